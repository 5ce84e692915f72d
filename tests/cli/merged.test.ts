import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { mergeable, writeMerged } from "../../src/cli/merged.js";
import type { ModelFile } from "../../src/setup/gguf.js";
import { type MergedType, mergedBytes } from "../../src/training/export.js";
import type { TrainerWorker } from "../../src/training/worker.js";
import { gguf } from "../support/gguf.js";
import { finishedWorkspace, hashOf, recordingOutput, temporaryFolder } from "./support.js";

const signal = new AbortController().signal;
const output = recordingOutput();

const base: ModelFile = {
  ...{ path: "/models/base.gguf", sha256: "0".repeat(64), bytes: 36, parameters: 64 },
  ...{ architecture: "llama", name: "Tiny", quantization: "Q4_0" },
};

/** A worker that writes what an export writes, and keeps what it was asked for. */
function scriptedWorker() {
  const asked: Record<string, unknown>[] = [];
  let disposed = 0;
  const worker: TrainerWorker = {
    pid: null,
    dispose: async () => void disposed++,
    request: async (operation, fields, options) => {
      const request = { operation, ...fields } as Record<string, unknown>;
      asked.push(request);
      options?.onProgress?.({ event: "progress", step: 1, steps: 2 });
      const folder = request.type === "safetensors";
      const names = folder ? ["model.safetensors", "config.json"] : [null];
      const target = String(request.output);
      if (folder) mkdirSync(target);
      const files = names.map((name) => {
        writeFileSync(name === null ? target : join(target, name), `weights ${name}`);
        const facts = { sha256: hashOf(`weights ${name}`), bytes: 1_000_000 };
        return [name ?? target.split("/").at(-1), facts];
      });
      return { event: "done", files: Object.fromEntries(files) };
    },
  };
  return { asked, open: async () => worker, ended: () => disposed };
}

async function exported(type: MergedType) {
  const { folder, incumbent, options } = await finishedWorkspace();
  const { asked, open, ended } = scriptedWorker();
  const using = {
    ...options,
    mergeable: async () => base,
    writeMerged: ((at, what, how) => writeMerged(at, what, { ...how, open })) as typeof writeMerged,
  };
  await exportCommand("sums-1", { merged: type }, using);
  const at = join(folder, "exports", "sums-1");
  const readme = readFileSync(join(at, "README.md"), "utf8");
  return { at, readme, asked, ended: ended(), incumbent, folder, output: options.output };
}

describe("redistill export --merged", () => {
  it("writes one file of weights, and says what it is and how to run it", async () => {
    const { at, readme, asked, ended, incumbent, folder, output } = await exported("q8_0");
    expect(readdirSync(at).sort()).toEqual([
      ...["README.md", "adapter.gguf", "model-q8_0.gguf", "peft", "training-set.jsonl"],
    ]);
    const [request] = asked;
    expect(request).toMatchObject({
      ...{ operation: "export", type: "q8_0", model: base.path, model_sha256: base.sha256 },
      adapter: expect.stringMatching(/adapter\.gguf$/),
      adapter_sha256: incumbent,
    });
    expect(ended).toBe(1);
    for (const part of [
      `model-q8_0.gguf, sha256 | ${hashOf("weights null")}`,
      ...["llama-server -m model-q8_0.gguf", "FROM ./model-q8_0.gguf", "not the same"],
    ]) {
      expect(readme).toContain(part);
    }
    expect(readme).not.toContain(folder);
    expect(output.lines.at(-1)).toContain("llama-cli -m exports/sums-1/model-q8_0.gguf");
    expect(output.results).toEqual([
      expect.objectContaining({
        merged: {
          ...{ type: "q8_0", name: "model-q8_0.gguf" },
          files: [{ name: "model-q8_0.gguf", sha256: hashOf("weights null"), bytes: 1_000_000 }],
        },
      }),
    ]);
  });

  it("writes a folder for transformers and vLLM from the PEFT adapter", async () => {
    const { at, readme, asked } = await exported("safetensors");
    expect(readdirSync(join(at, "merged")).sort()).toEqual(["config.json", "model.safetensors"]);
    expect(asked[0]!.adapter).toMatch(/peft$/);
    for (const part of [
      `merged/model.safetensors, sha256 | ${hashOf("weights model.safetensors")}`,
      ...['AutoModelForCausalLM.from_pretrained("merged")', "vllm serve merged"],
    ]) {
      expect(readme).toContain(part);
    }
    expect(readme).not.toContain("config.json, sha256");
  });

  it("names a file of the base's own type by that type", async () => {
    expect(readdirSync((await exported("base")).at)).toContain("model-q4_0.gguf");
  });

  it("leaves nothing behind when merging fails", async () => {
    const { folder, options } = await finishedWorkspace();
    const failing = {
      ...options,
      mergeable: async () => base,
      writeMerged: () => Promise.reject(new Error("the disk is full")),
    };
    await expect(exportCommand("sums-1", { merged: "f16" }, failing)).rejects.toThrow(/disk/);
    expect(readdirSync(join(folder, "exports"))).toEqual([]);
  });
});

describe("what can be merged", () => {
  /** A base file with a header that has these changes, and a run that was trained on it. */
  function runOn(changes: Parameters<typeof gguf>[0] = {}) {
    const folder = temporaryFolder();
    const path = join(folder, "base.gguf");
    const content = gguf(changes);
    writeFileSync(path, content);
    const recipe = { model: { provider: "embedded", path } };
    const modelSha256 = hashOf(content);
    const run = { id: "sums-1", modelSha256, recipe } as unknown as Parameters<typeof mergeable>[0];
    return { run, target: join(folder, "exports", "sums-1") };
  }

  it("is a known architecture's weights that the run was trained on", async () => {
    const { run, target } = runOn();
    const found = await mergeable(run, "f16", target, { output, signal });
    expect(found).toMatchObject({ architecture: "llama", parameters: 64, quantization: "Q4_0" });
    const other = { ...run, modelSha256: "f".repeat(64) };
    await expect(mergeable(other, "f16", target, { output, signal })).rejects.toMatchObject({
      kind: "state",
      message: expect.stringContaining("not what run sums-1 was trained on"),
    });
    const unknown = runOn({ "general.architecture": "mamba" });
    await expect(
      mergeable(unknown.run, "f16", unknown.target, { output, signal }),
    ).rejects.toMatchObject({ kind: "model", message: expect.stringContaining("mamba") });
  });

  it("fits the memory, or is written a matrix at a time", async () => {
    const { run, target } = runOn();
    const small = { output, signal, memory: 2e9 };
    await expect(mergeable(run, "safetensors", target, small)).rejects.toMatchObject({
      kind: "setup",
      hint: expect.stringContaining("--merged f16"),
    });
    await mergeable(run, "q8_0", target, small);
    await mergeable(run, "safetensors", target, { ...small, memory: 4e9 });
  });

  it("takes so many bytes", () => {
    const model = { parameters: 3200, bytes: 2000 };
    const sizes = (["f16", "q8_0", "base", "safetensors"] as const).map((type) =>
      mergedBytes(type, model),
    );
    expect(sizes).toEqual([6400, 3400, 2000, 12_800]);
  });
});
