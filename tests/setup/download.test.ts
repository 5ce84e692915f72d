import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { type DownloadRequest, describeUrl, download } from "../../src/setup/download.js";
import {
  closedUrl,
  dropSoon,
  pseudoRandom,
  sendRange,
  serve,
  sha256Of,
  temporaryDirectory,
} from "./helpers.js";

const content = pseudoRandom(300_000);

async function request(url: string, more: Partial<DownloadRequest> = {}): Promise<DownloadRequest> {
  const path = join(await temporaryDirectory(), "deep", "file.bin");
  const known = { sha256: sha256Of(content), bytes: content.length, source: "test mirror" };
  return { url, path, ...known, retryDelayMs: 1, ...more };
}

test("downloads, verifies and leaves nothing beside the file", async () => {
  const { url } = await serve((incoming, response) => sendRange(incoming, response, content));
  const seen: number[] = [];
  const wanted = await request(url, { onProgress: ({ bytes }) => seen.push(bytes) });
  await download(wanted);
  expect(await readFile(wanted.path)).toEqual(content);
  expect(seen.at(-1)).toBe(content.length);
  for (const suffix of [".part", ".part.json", ".lock"]) {
    expect(existsSync(wanted.path + suffix)).toBe(false);
  }
});

test("continues a dropped connection where it stopped", async () => {
  const { url, ranges } = await serve((incoming, response) =>
    sendRange(incoming, response, content, 120_000),
  );
  const wanted = await request(url);
  await download(wanted);
  expect(await readFile(wanted.path)).toEqual(content);
  expect(ranges).toEqual(["all", "bytes=120000-", "bytes=240000-"]);
});

test("continues the part of an earlier process, without knowing the size", async () => {
  const { url, ranges } = await serve((incoming, response) =>
    sendRange(incoming, response, content),
  );
  const wanted = await request(url, { bytes: undefined });
  await download({ ...wanted, path: wanted.path });
  await writeFile(`${wanted.path}2.part`, content.subarray(0, 1000));
  await download({ ...wanted, path: `${wanted.path}2` });
  expect(ranges).toEqual(["all", "bytes=1000-"]);
});

test("begins anew when the server ignores Range or the file there has changed", async () => {
  const { url } = await serve((incoming, response, count) => {
    if (count === 1) sendRange(incoming, response, pseudoRandom(300_001), 100_000, '"old"');
    else sendRange(incoming, response, content, undefined, '"new"');
  });
  const changed = await request(url, { bytes: undefined });
  await download(changed);
  expect(await readFile(changed.path)).toEqual(content);

  const plain = await serve((_incoming, response, count) => {
    if (count > 1) response.end(content);
    else response.write(content.subarray(0, 50_000), () => dropSoon(response));
  });
  const ignored = await request(plain.url);
  await download(ignored);
  expect(await readFile(ignored.path)).toEqual(content);
});

test("a complete part needs no byte more, with and without a known size", async () => {
  const { url, ranges } = await serve((incoming, response) =>
    sendRange(incoming, response, content),
  );
  const known = await request(url);
  const unknown = await request(url, { bytes: undefined });
  for (const wanted of [known, unknown]) {
    await download(wanted);
    await writeFile(`${wanted.path}x.part`, content);
    await download({ ...wanted, path: `${wanted.path}x` });
  }
  expect(ranges).toEqual(["all", "all", "bytes=300000-"]);
});

test("throws a part away that turns out to be of another file", async () => {
  const { url } = await serve((incoming, response) => sendRange(incoming, response, content));
  const wanted = await request(url);
  await download(wanted);
  await writeFile(`${wanted.path}y.part`, Buffer.alloc(5_000, 7));
  await download({ ...wanted, path: `${wanted.path}y` });
  expect(await readFile(`${wanted.path}y`)).toEqual(content);
});

test("refuses wrong bytes, names the source and keeps nothing", async () => {
  const wrong = Buffer.from(content);
  wrong[200_000]! ^= 1;
  const { url, ranges } = await serve((incoming, response) => sendRange(incoming, response, wrong));
  const wanted = await request(url);
  const failing = download(wanted);
  await expect(failing).rejects.toMatchObject({ kind: "setup" });
  await expect(failing).rejects.toThrow(/test mirror.*wrong sha256/);
  expect(existsSync(wanted.path)).toBe(false);
  expect(existsSync(`${wanted.path}.part`)).toBe(false);
  expect(ranges).toHaveLength(1);
});

test("refuses a file of another size before it is transferred", async () => {
  const { url } = await serve((_incoming, response) => response.end("<html>log in</html>"));
  await expect(download(await request(url))).rejects.toThrow(/19 bytes, expected 300000/);
});

test("stops at an endless answer", async () => {
  const { url } = await serve((_incoming, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(pseudoRandom(100_000)), 1);
    response.on("close", () => clearInterval(timer));
  });
  await expect(download(await request(url))).rejects.toThrow(/more than 300000 bytes/);
});

test("gives a hanging server up, before the first byte and in the middle", async () => {
  const silent = await serve(() => {});
  await expect(download(await request(silent.url, { idleTimeoutMs: 300 }))).rejects.toThrow(
    /test mirror: 127\.0\.0\.1.*no answer/,
  );
  expect(silent.ranges).toHaveLength(1);

  const stuck = await serve((_incoming, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 1_000));
  });
  const wanted = await request(stuck.url, { idleTimeoutMs: 300, retries: 1 });
  await expect(download(wanted)).rejects.toThrow(/no byte/);
  expect(stuck.ranges).toHaveLength(2);
  expect(existsSync(`${wanted.path}.part`)).toBe(true);
}, 20_000);

test("an unreachable host and a missing file fail at once, a busy server is asked again", async () => {
  await expect(download(await request(await closedUrl()))).rejects.toThrow(/refused/);
  const missing = await serve((_incoming, response) => response.writeHead(404).end());
  await expect(download(await request(missing.url))).rejects.toThrow(/HTTP 404/);
  expect(missing.ranges).toHaveLength(1);
  const busy = await serve((incoming, response, count) => {
    if (count < 3) response.writeHead(503).end();
    else sendRange(incoming, response, content);
  });
  await download(await request(busy.url));
  expect(busy.ranges).toHaveLength(3);
});

test("an abort keeps the part", async () => {
  const { url } = await serve((_incoming, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 60_000));
  });
  const controller = new AbortController();
  const wanted = await request(url, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("enough")),
  });
  await expect(download(wanted)).rejects.toThrow();
  expect(existsSync(`${wanted.path}.part`)).toBe(true);
  expect(existsSync(`${wanted.path}.lock`)).toBe(false);
});

test("two downloads of one file at once transfer it once", async () => {
  const { url, ranges } = await serve((incoming, response) =>
    setTimeout(() => sendRange(incoming, response, content), 100),
  );
  const wanted = await request(url);
  let waited = 0;
  const onWait = () => {
    waited++;
  };
  await Promise.all([download({ ...wanted, onWait }), download({ ...wanted, onWait })]);
  expect(await readFile(wanted.path)).toEqual(content);
  expect(ranges).toHaveLength(1);
  expect(waited).toBe(1);
});

test("takes a local file, and sends credentials as a header, never into a message", async () => {
  const local = join(await temporaryDirectory(), "wheel.whl");
  await writeFile(local, content);
  const wanted = await request(pathToFileURL(local).href);
  await download(wanted);
  expect(await readFile(wanted.path)).toEqual(content);

  let authorization: string | undefined;
  const { url } = await serve((incoming, response) => {
    authorization = incoming.headers.authorization;
    response.writeHead(403).end();
  });
  const secret = url.replace("http://", "http://ada:s%40crit@");
  await expect(download(await request(secret))).rejects.not.toThrow(/crit/);
  expect(authorization).toBe(`Basic ${Buffer.from("ada:s@crit").toString("base64")}`);
  expect(describeUrl(secret)).not.toContain("crit");
});

test.runIf(existsSync("/dev/full"))("a full disk is a storage error", async () => {
  const { symlink, mkdir } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const { url } = await serve((incoming, response) => sendRange(incoming, response, content));
  const wanted = await request(url);
  await mkdir(dirname(wanted.path), { recursive: true });
  await symlink("/dev/full", `${wanted.path}.part`);
  await expect(download(wanted)).rejects.toMatchObject({ kind: "storage" });
});
