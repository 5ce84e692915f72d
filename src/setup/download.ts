import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, RedistillError } from "../core/errors.js";
import { hashFile } from "./digest.js";
import { commitFile, formatBytes, makeDirectory, storageError } from "./files.js";
import { openUrl, TransferError } from "./http.js";
import { withLock } from "./lock.js";

export interface DownloadProgress {
  readonly bytes: number;
  /** Null if neither the caller nor the server knows. */
  readonly total: number | null;
  readonly bytesPerSecond: number;
}

export interface DownloadRequest {
  readonly url: string;
  /** Where the finished file goes; it appears there only complete and verified. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes?: number | undefined;
  /** The source's name in messages. */
  readonly source: string;
  readonly signal?: AbortSignal | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** How often a transfer that had begun is taken up again before giving up. */
  readonly retries?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  onProgress?(progress: DownloadProgress): void;
  /** Called once when another process is downloading the same file. */
  onWait?(pid: number): void;
}

/**
 * Downloads a file, continuing an earlier transfer where it stopped, and verifies its sha256.
 * The bytes collect in `<path>.part`, which survives an interruption.
 */
export async function download(request: DownloadRequest): Promise<void> {
  await makeDirectory(dirname(request.path));
  await withLock(`${request.path}.lock`, request, async () => {
    if (await isComplete(request)) return;
    const part = `${request.path}.part`;
    let resumed = (await sizeOf(part)) > 0;
    for (;;) {
      await transferWithRetries(request, part);
      if ((await hashFile(part, request.signal)) === request.sha256) break;
      const bytes = await sizeOf(part);
      await removePart(part);
      // The old beginning may have been the bad half: one clean try before blaming the source.
      if (resumed) {
        resumed = false;
        continue;
      }
      throw new RedistillError(
        "setup",
        `${request.source}: the ${formatBytes(bytes)} from ${describeUrl(request.url)} are not the expected file (wrong sha256).`,
        "A proxy or mirror may have answered in its place. The bytes were deleted; try again or use another network.",
      );
    }
    await commitFile(part, request.path);
    await rm(`${part}.json`, { force: true });
  });
}

/** A URL without credentials or query, for messages. */
export function describeUrl(url: string): string {
  const parsed = new URL(url);
  return parsed.protocol === "file:" ? parsed.pathname : `${parsed.host}${parsed.pathname}`;
}

async function transferWithRetries(request: DownloadRequest, part: string): Promise<void> {
  const { retries = 5, retryDelayMs = 1_000 } = request;
  let failures = 0;
  let everReceived = false;
  for (;;) {
    const before = await sizeOf(part);
    try {
      return await transfer(request, part);
    } catch (error) {
      request.signal?.throwIfAborted();
      const gained = (await sizeOf(part)) - before;
      if (gained > 0) everReceived = true;
      if (gained > 1_000_000) failures = 0;
      const hopeless = error instanceof TransferError && error.retry === "never";
      const unreachable =
        error instanceof TransferError && error.retry === "if-begun" && !everReceived;
      if (!(error instanceof TransferError)) throw storageError(error, part);
      if (hopeless || unreachable || failures >= retries) throw giveUp(request, error);
      await sleep(
        Math.min(retryDelayMs * 2 ** failures, 15_000),
        undefined,
        request.signal ? { signal: request.signal } : {},
      );
      failures++;
    }
  }
}

function giveUp(request: DownloadRequest, error: TransferError): RedistillError {
  return new RedistillError(
    "setup",
    `${request.source}: ${describeUrl(request.url)}: ${messageOf(error)}.`,
    "Check the network (and HTTPS_PROXY, if you need one) and run the command again; it continues where it stopped.",
    { cause: error },
  );
}

/** One connection: asks for what is missing and appends it to the part. */
async function transfer(request: DownloadRequest, part: string): Promise<void> {
  const have = await sizeOf(part);
  if (request.bytes !== undefined && have === request.bytes) return;
  if (request.bytes !== undefined && have > request.bytes) {
    await removePart(part);
    return transfer(request, part);
  }
  const etag = have > 0 ? await readEtag(part, request.url) : null;
  const opened = await openUrl(request.url, { ...request, from: have, etag });
  try {
    if (opened.start === null) {
      // The server has nothing after our last byte: complete if the sizes agree, else useless.
      if (opened.total === have && have > 0) return;
      await removePart(part);
      throw new TransferError("the server refused to continue the transfer", "always");
    }
    const total = request.bytes ?? opened.total;
    if (opened.total !== null && total !== opened.total) {
      throw new TransferError(
        `the file there has ${opened.total} bytes, expected ${total}`,
        "never",
      );
    }
    await writeFile(`${part}.json`, JSON.stringify({ url: request.url, etag: opened.etag }));
    const meter = createMeter(opened.start, total, request);
    const file = await open(part, opened.start === 0 ? "w" : "r+");
    let position = opened.start;
    try {
      for await (const chunk of opened.body) {
        if (total !== null && position + chunk.length > total) {
          throw new TransferError(`the server sent more than ${total} bytes`, "never");
        }
        await writeFully(file, chunk, position);
        position += chunk.length;
        meter(position, false);
      }
    } finally {
      await file.close();
    }
    if (total !== null && position < total) {
      throw new TransferError(`the transfer ended after ${position} of ${total} bytes`, "always");
    }
    meter(position, true);
  } finally {
    opened.close();
  }
}

async function writeFully(
  file: Awaited<ReturnType<typeof open>>,
  chunk: Uint8Array,
  position: number,
): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(
      chunk,
      written,
      chunk.length - written,
      position + written,
    );
    written += bytesWritten;
  }
}

/** Reports at most five times a second, with the rate of this connection's last seconds. */
function createMeter(start: number, total: number | null, request: DownloadRequest) {
  const marks = [{ at: performance.now(), bytes: start }];
  let reported = 0;
  return (bytes: number, last: boolean) => {
    const now = performance.now();
    if (!last && now - reported < 200) return;
    reported = now;
    marks.push({ at: now, bytes });
    while (marks.length > 2 && now - marks[0]!.at > 5_000) marks.shift();
    const seconds = Math.max((now - marks[0]!.at) / 1000, 0.001);
    request.onProgress?.({ bytes, total, bytesPerSecond: (bytes - marks[0]!.bytes) / seconds });
  };
}

async function isComplete(request: DownloadRequest): Promise<boolean> {
  const size = await stat(request.path).then(
    (stats) => stats.size,
    () => null,
  );
  if (size === null || (request.bytes !== undefined && size !== request.bytes)) return false;
  return (await hashFile(request.path, request.signal)) === request.sha256;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
}

async function removePart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

async function readEtag(part: string, url: string): Promise<string | null> {
  try {
    const value = JSON.parse(await readFile(`${part}.json`, "utf8")) as Record<string, unknown>;
    return value.url === url && typeof value.etag === "string" ? value.etag : null;
  } catch {
    return null;
  }
}
