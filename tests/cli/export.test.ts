import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { Store } from "../../src/store/store.js";
import {
  finishedWorkspace,
  hashOf,
  recordingOutput,
  stubborn,
  temporaryFolder,
} from "./support.js";

function adapterFiles(folder: string, incumbent: string) {
  const store = Store.openReadOnly(join(folder, "memory", "redistill.db"), "memory/migrations");
  const row = store.adapters.find(incumbent)!;
  const examples = store.rounds.examples.of("sums-1", row.round);
  store.close();
  const [gguf, peft] = [join(folder, row.ggufPath!), join(folder, row.peftPath!)];
  return { gguf, peft, weights: join(peft, "adapter_model.safetensors"), examples };
}

describe("redistill export", () => {
  it("copies both formats, writes the training set and where all is from", async () => {
    const { folder, incumbent, options } = await finishedWorkspace();
    const { peft, examples } = adapterFiles(folder, incumbent!);
    symlinkSync("/etc/hostname", join(peft, "link"));
    await exportCommand(undefined, {}, options);
    const at = (...names: string[]) => join(folder, "exports", "sums-1", ...names);
    const read = (...names: string[]) => readFileSync(at(...names), "utf8");
    expect(readdirSync(at()).sort()).toEqual([
      "README.md",
      "adapter.gguf",
      "peft",
      "training-set.jsonl",
    ]);
    expect(hashOf(read("adapter.gguf"))).toBe(incumbent);
    expect(readdirSync(at("peft")).sort()).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
    const lines = read("training-set.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(examples.length);
    const [first] = examples;
    expect(lines[0]).toEqual({
      messages: [...first!.messages, { role: "assistant", content: first!.completion }],
      metadata: { task: first!.taskId, source: first!.source, round: first!.originRound },
    });
    const readme = read("README.md");
    for (const part of [
      incumbent!,
      "0".repeat(64),
      "sums-1, 1",
      "--lora adapter.gguf",
      "promoted",
    ]) {
      expect(readme).toContain(part);
    }
    expect(readme).not.toContain(folder);
  });

  it("does not write over what is there, unless told to", async () => {
    const { folder, options } = await finishedWorkspace();
    await exportCommand("sums-1", { output: "out" }, options);
    writeFileSync(join(folder, "out", "mine.txt"), "mine");
    await expect(exportCommand("sums-1", { output: "out" }, options)).rejects.toMatchObject({
      kind: "usage",
      message: expect.stringContaining("not empty"),
    });
    await exportCommand("sums-1", { output: "out", force: true }, options);
    expect(readFileSync(join(folder, "out", "mine.txt"), "utf8")).toBe("mine");
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("refuses files that are not those that were trained, and leaves nothing behind", async () => {
    const { folder, incumbent, options } = await finishedWorkspace();
    const { gguf, weights } = adapterFiles(folder, incumbent!);
    const whole = readFileSync(gguf, "utf8");
    const wrong = { kind: "model", message: expect.stringContaining("not the") };
    writeFileSync(gguf, whole.slice(0, -1));
    await expect(exportCommand("sums-1", {}, options)).rejects.toMatchObject(wrong);
    writeFileSync(gguf, whole);
    writeFileSync(weights, "something else");
    await expect(exportCommand("sums-1", {}, options)).rejects.toMatchObject(wrong);
    expect(readdirSync(join(folder, "exports"))).toEqual([]);
  });

  it("says what to do where nothing was promoted", async () => {
    const { folder, options } = await finishedWorkspace(stubborn);
    await expect(exportCommand("sums-1", {}, options)).rejects.toMatchObject({
      kind: "state",
      hint: expect.stringContaining("--adapter"),
    });
    const store = Store.openReadOnly(options.workspace.database, "memory/migrations");
    const { candidate } = store.rounds.all("sums-1")[0]!;
    store.close();
    await exportCommand("sums-1", { adapter: candidate!.slice(0, 8) }, options);
    const readme = readFileSync(join(folder, "exports", "sums-1", "README.md"), "utf8");
    expect(readme).toContain("| decision | rejected |");
    for (const adapter of ["zz", "ffffffffffff", "base"]) {
      await expect(exportCommand("sums-1", { adapter }, options)).rejects.toMatchObject({
        kind: "usage",
      });
    }
  });

  it("needs a run", async () => {
    const workspace = workspaceAt(temporaryFolder());
    const signal = new AbortController().signal;
    const options = { workspace, output: recordingOutput(), signal };
    await expect(exportCommand(undefined, {}, options)).rejects.toThrow(/no run yet/);
  });
});
