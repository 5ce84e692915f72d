import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, vi } from "vitest";

// Files are flushed for real, and on a busy disk that takes its time.
vi.setConfig({ testTimeout: 30_000 });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "redistill-test-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A real HTTP server on this machine; `count` is 1 for its first request. */
export async function serve(handler: Handler): Promise<{ url: string; ranges: string[] }> {
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? "all");
    handler(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`, ranges };
}

/** Answers Range requests as a good server does; stops after `limit` bytes and drops the line. */
export function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  limit = Number.POSITIVE_INFINITY,
  etag = '"v1"',
): void {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const condition = request.headers["if-range"];
  const resumes = match !== null && (condition === undefined || condition === etag);
  const start = resumes ? Number(match[1]) : 0;
  if (start >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(resumes ? 206 : 200, {
    "content-length": content.length - start,
    etag,
    ...(resumes && {
      "content-range": `bytes ${start}-${content.length - 1}/${content.length}`,
    }),
  });
  const end = Math.min(content.length, start + limit);
  if (end === content.length) response.end(content.subarray(start));
  else response.write(content.subarray(start, end), () => dropSoon(response));
}

/** Drops the connection, once the client has had time to read what was sent. */
export function dropSoon(response: ServerResponse): void {
  setTimeout(() => response.destroy(), 200);
}

/** A URL where nobody listens. */
export async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/none`;
}

export function sha256Of(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Bytes that do not repeat, so that a wrong offset changes the hash. */
export function pseudoRandom(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 12345;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

/** The Python that the test run provides. */
export function testPython(): string {
  const python = process.env.REDISTILL_TEST_PYTHON;
  if (!python) throw new Error("REDISTILL_TEST_PYTHON names no Python: see CONTRIBUTING.md.");
  return python;
}
