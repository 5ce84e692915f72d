import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectModel } from "../../src/setup/gguf.js";
import { gguf, text, u32, u64 } from "../support/gguf.js";
import { sha256Of, temporaryDirectory } from "./helpers.js";

async function inspect(content: Buffer) {
  const directory = await temporaryDirectory();
  const path = join(directory, "tiny.gguf");
  await writeFile(path, content);
  return inspectModel(path, { cache: join(directory, "cache") });
}

test("describes a sound model", async () => {
  const content = gguf();
  expect(await inspect(content)).toMatchObject({
    ...{ architecture: "llama", name: "Tiny", quantization: "Q4_0" },
    ...{ bytes: content.length, sha256: sha256Of(content) },
  });
});

test("reads a header that is larger than the first portion", async () => {
  const tokens = Array.from({ length: 200_000 }, (_, index) => `token ${index}`);
  expect(await inspect(gguf({ "tokenizer.ggml.tokens": tokens }))).toMatchObject({ name: "Tiny" });
});

test.each([
  [{ "general.type": "adapter" }, /LoRA adapter/],
  [{ "general.type": "mmproj" }, /vision projector/],
  [{ "general.architecture": "clip", "general.type": undefined }, /vision projector/],
  [{ "general.type": "imatrix" }, /type "imatrix"/],
  [{ "general.architecture": undefined }, /without general.architecture/],
  [{ "split.count": 3 }, /one part of a model in 3 files/],
  [{ "tokenizer.chat_template": undefined }, /without chat template/],
  [{ "tokenizer.chat_template": " " }, /without chat template/],
])("refuses %j", async (changes, message) => {
  const failing = inspect(gguf(changes));
  await expect(failing).rejects.toThrow(message);
  await expect(failing).rejects.toMatchObject({ kind: "model", hint: expect.stringMatching(/\w/) });
});

test("refuses a vocabulary without weights", async () => {
  await expect(inspect(gguf({}, 0))).rejects.toThrow(/vocabulary without weights/);
});

test("refuses a file that is cut off, wherever", async () => {
  const content = gguf();
  await expect(inspect(content.subarray(0, -1))).rejects.toThrow(/cut off/);
  for (const length of [0, 3, 4, 20, 60, 150]) {
    await expect(inspect(content.subarray(0, length))).rejects.toMatchObject({ kind: "model" });
  }
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "zeros"), "");
  await truncate(join(directory, "zeros"), 5_000_000);
  await expect(inspectModel(join(directory, "zeros"))).rejects.toThrow(/not begin with GGUF/);
});

test("impossible headers are refused without exhausting memory", async () => {
  const huge = u64(2n ** 62n);
  for (const header of [
    [u32(3), huge, u64(0)],
    [u32(3), u64(0), u64(2 ** 40)],
    [u32(3), u64(0), u64(1), huge],
    [u32(3), u64(0), u64(1), text("k"), u32(8), huge],
    [u32(3), u64(0), u64(1), text("k"), u32(9), u32(4), u64(2 ** 50)],
    [u32(3), u64(0), u64(1), text("k"), u32(99)],
    [u32(0x03000000), u64(0), u64(0)],
    [u32(1), u64(0), u64(0)],
  ]) {
    const content = Buffer.concat([Buffer.from("GGUF"), ...header, Buffer.alloc(64)]);
    await expect(inspect(content)).rejects.toMatchObject({ kind: "model" });
  }
});

test("says so when there is no file, or a folder", async () => {
  const directory = await temporaryDirectory();
  await expect(inspectModel(join(directory, "none.gguf"))).rejects.toThrow(/no model file/);
  await expect(inspectModel(directory)).rejects.toThrow(/folder/);
});
