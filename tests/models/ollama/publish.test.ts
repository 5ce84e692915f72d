import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publish, unpublish } from "../../../src/models/ollama/publish.js";
import { type PullProgress, pull } from "../../../src/models/ollama/pull.js";
import { hashFile } from "../../../src/setup/digest.js";
import { ScriptedOllama } from "./scripted-server.js";
import { never } from "./support.js";

describe("models made and taken away at Ollama", () => {
  let server: ScriptedOllama;
  let url: string;
  let file: { path: string; sha256: string };
  beforeEach(async () => {
    server = new ScriptedOllama();
    url = await server.start();
    const path = join(await mkdtemp(join(tmpdir(), "ollama-")), "merged.gguf");
    await writeFile(path, "merged weights");
    file = { path, sha256: await hashFile(path) };
  });
  afterEach(() => server.stop());

  it("are published with the base's template, and the file is sent once", async () => {
    const publication = { url, name: "taught:round-1", file, base: "small" };
    const digest = await publish(publication, never);
    expect(server.digests["taught:round-1"]).toBe(digest);
    expect(server.creates).toEqual([
      expect.objectContaining({
        files: { "model.gguf": `sha256:${file.sha256}` },
        template: "{{ .Prompt }}",
      }),
    ]);
    const sent = server.blobs.size;
    await publish({ ...publication, name: "taught:round-2" }, never);
    expect(server.blobs.size).toBe(sent);
    const names = ["taught:round-1", "taught:round-2", "taught:round-3"];
    expect(await unpublish(url, names, never)).toEqual(names.slice(0, 2));
    expect(Object.keys(server.digests)).toEqual(["small:latest"]);
  });

  it("are taken away at once where the server would write other prompts", async () => {
    server.prefix = (model) => (model.startsWith("taught") ? "You are tiny. " : "");
    await expect(
      publish({ url, name: "taught:round-1", file, base: "small" }, never),
    ).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("You are tiny. <user> One?"),
    });
    expect(Object.keys(server.digests)).toEqual(["small:latest"]);
  });

  it("are not there after a file that changed on its way, and the error says so", async () => {
    const damaged = { ...file, sha256: "0".repeat(64) };
    await expect(
      publish({ url, name: "taught:round-1", file: damaged, base: "small" }, never),
    ).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("did not take taught:round-1: HTTP 400: digest mismatch"),
    });
    expect(Object.keys(server.digests)).toEqual(["small:latest"]);
  });

  it("are pulled with progress in bytes; a name that the registry does not have is an error", async () => {
    server.pull = () => [
      { status: "pulling manifest" },
      { status: "pulling aa", digest: "sha256:aa", total: 100 },
      { status: "pulling aa", digest: "sha256:aa", total: 100, completed: 60 },
      { status: "success" },
    ];
    const seen: PullProgress[] = [];
    const digest = await pull(url, "small", never, (progress) => seen.push(progress));
    expect(digest).toBe(server.digests["small:latest"]);
    expect(seen.map(({ bytes, total }) => [bytes, total])).toEqual([
      [null, null],
      [0, 100],
      [60, 100],
      [null, null],
    ]);
    server.pull = () => [{ error: "pull model manifest: file does not exist" }];
    await expect(pull(url, "smal", never, () => {})).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("could not pull smal: pull model manifest"),
    });
  });
});
