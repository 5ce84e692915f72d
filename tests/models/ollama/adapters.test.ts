import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mergeIn } from "../../../src/cli/merge.js";
import type { Adapter } from "../../../src/core/entities.js";
import type { MergeAdapter } from "../../../src/models/remote/endpoint.js";
import { hashFile } from "../../../src/setup/digest.js";
import { requestOf } from "../../contract/request.js";
import { ScriptedOllama } from "./scripted-server.js";
import { askOne, identified, never, settingsOf } from "./support.js";

describe("adapters at Ollama", () => {
  let server: ScriptedOllama;
  let url: string;
  let folder: string;
  let adapter: Adapter;
  beforeEach(async () => {
    server = new ScriptedOllama();
    url = await server.start();
    folder = await mkdtemp(join(tmpdir(), "ollama-"));
    const ggufPath = join(folder, "adapter.gguf");
    await writeFile(ggufPath, "not looked at here");
    adapter = { sha256: await hashFile(ggufPath), ggufPath, peftPath: "", parent: null, round: 1 };
  });
  afterEach(() => server.stop());

  /** Merged weights as the trainer would write them. */
  async function merged() {
    const path = join(folder, "merged.gguf");
    await writeFile(path, "merged");
    return { path, sha256: await hashFile(path) };
  }
  const mergeAdapter: MergeAdapter = async (_adapter, _signal, use) => use(await merged());

  it("become models once, are found again by another endpoint, and go with it", async () => {
    const first = await identified(settingsOf(url));
    await Promise.all([1, 2].map(() => askOne(first.endpoint, requestOf("Go."), adapter)));
    const made = Object.keys(server.digests).filter((name) => name.startsWith("redistill-"));
    expect(made).toHaveLength(1);
    expect(made[0]).toMatch(/^redistill-[0-9a-f]{12}:latest$/);
    expect(server.creates).toEqual([
      expect.objectContaining({
        from: "small:latest",
        adapters: { "adapter.gguf": `sha256:${adapter.sha256}` },
      }),
    ]);
    expect(`${server.chats.at(-1)?.model}:latest`).toBe(made[0]);
    const second = await identified(settingsOf(url));
    await askOne(second.endpoint, requestOf("Go."), adapter);
    expect(server.creates).toHaveLength(1);
    await second.endpoint.dispose();
    expect(Object.keys(server.digests)).toEqual(["small:latest"]);
    await first.endpoint.dispose();
  });

  it("are merged where the server refuses them, with all that the base has", async () => {
    server.parameters =
      'stop                           "<|im_end|>"\nstop   "\\u003c/s\\u003e"\ntop_k 40';
    server.modelfile = "FROM /nowhere/sha256-abc\nRENDERER qwen3\n";
    server.create = (body) =>
      body.adapters ? { status: 400, error: "adapters are no longer supported" } : null;
    const { endpoint } = await identified(settingsOf(url), { mergeAdapter });
    await askOne(endpoint, requestOf("Go."), adapter);
    expect(server.creates).toHaveLength(2);
    expect(server.creates[1]).toMatchObject({
      files: { "model.gguf": `sha256:${(await merged()).sha256}` },
      template: "{{ .Prompt }}",
      renderer: "qwen3",
      parameters: { stop: ["<|im_end|>", "</s>"], top_k: 40 },
    });
    await endpoint.dispose();
  });

  it("are merged at once where the version says that they are refused", async () => {
    server.version = "0.34.1";
    const { endpoint } = await identified(settingsOf(url), { mergeAdapter });
    expect((await endpoint.identify(never)).capabilities.adapters).toBe(true);
    await askOne(endpoint, requestOf("Go."), adapter);
    expect(server.creates.map((body) => Object.keys(body).includes("adapters"))).toEqual([false]);
    await endpoint.dispose();
  });

  it("that are whole models become models as they are, also where adapters are taken", async () => {
    const nobody = { request: () => Promise.reject(new Error("something was merged")) };
    const mergeAdapter = mergeIn(folder, nobody as never)({} as never);
    const { endpoint } = await identified(settingsOf(url), { mergeAdapter });
    await askOne(endpoint, requestOf("Go."), { ...adapter, peftPath: adapter.ggufPath });
    expect(server.creates).toEqual([
      expect.objectContaining({ files: { "model.gguf": `sha256:${adapter.sha256}` } }),
    ]);
    expect(server.creates[0]).not.toHaveProperty("adapters");
    await endpoint.dispose();
  });

  it("are said to be impossible where there is nobody to merge them", async () => {
    server.version = "0.34.1";
    const newer = await identified(settingsOf(url));
    expect((await newer.endpoint.identify(never)).capabilities.adapters).toBe(false);
    await newer.endpoint.dispose();
    server.version = "0.0.0";
    server.create = () => ({ status: 400, error: "adapters are no longer supported" });
    const unknown = await identified(settingsOf(url));
    await expect(askOne(unknown.endpoint, requestOf("Go."), adapter)).rejects.toMatchObject({
      kind: "model",
      message: expect.stringMatching(/Ollama 0\.0\.0 .*no longer supported/),
      hint: expect.stringContaining("retrain.method: memory"),
    });
    await unknown.endpoint.dispose();
  });

  it("are made again when somebody has removed them", async () => {
    const { endpoint } = await identified(settingsOf(url));
    await askOne(endpoint, requestOf("Go."), adapter);
    const [made] = Object.keys(server.digests).filter((name) => name.startsWith("redistill-"));
    server.chat = () => {
      delete server.digests[made!];
      return { status: 404, error: `model '${made}' not found` };
    };
    await expect(askOne(endpoint, requestOf("Go."), adapter)).rejects.toMatchObject({
      trouble: "unavailable",
      message: expect.stringContaining("was removed from the server"),
    });
    server.chat = () => null;
    await askOne(endpoint, requestOf("Go."), adapter);
    expect(server.creates).toHaveLength(2);
    await endpoint.dispose();
  });

  it("are tried again after the server broke while one was made", async () => {
    server.create = () => [{ error: "disk full" }];
    const { endpoint } = await identified(settingsOf(url));
    await expect(askOne(endpoint, requestOf("Go."), adapter)).rejects.toThrow("disk full");
    server.create = () => null;
    await askOne(endpoint, requestOf("Go."), adapter);
    await endpoint.dispose();
  });
});
