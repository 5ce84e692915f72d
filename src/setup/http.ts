import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Agent, EnvHttpProxyAgent, fetch } from "undici";
import { messageOf } from "../core/errors.js";
import { codeOf } from "./files.js";

/** When a failed transfer is worth another try. */
export type Retry = "always" | "if-begun" | "never";

/** A failure of the network or of the server, as opposed to one of the disk. */
export class TransferError extends Error {
  override readonly name = "TransferError";

  constructor(
    message: string,
    readonly retry: Retry,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface OpenOptions {
  /** First byte wanted; what is before is here already. */
  readonly from: number;
  /** The version that the earlier bytes belong to. */
  readonly etag: string | null;
  readonly signal?: AbortSignal | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

export interface OpenedUrl {
  /** Where the body begins; null if the server says that nothing follows `from`. */
  readonly start: number | null;
  readonly total: number | null;
  readonly etag: string | null;
  readonly body: AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * Opens an http(s) or file URL at an offset. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured.
 * Every failure is a TransferError.
 */
export async function openUrl(url: string, options: OpenOptions): Promise<OpenedUrl> {
  const target = new URL(url);
  if (target.protocol === "file:") return openFile(target, options);
  const { connectTimeoutMs = 10_000, idleTimeoutMs = 30_000 } = options;
  const timeouts = {
    connect: { timeout: connectTimeoutMs },
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
  };
  const dispatcher = usesProxy() ? new EnvHttpProxyAgent(timeouts) : new Agent(timeouts);
  const headers = requestHeaders(target, options);
  target.username = "";
  target.password = "";
  const close = () => void dispatcher.destroy().catch(() => {});
  try {
    const response = await fetch(target, {
      headers,
      dispatcher,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const opened = interpret(response, options.from);
    return { ...opened, body: namingFailures(response.body ?? [], idleTimeoutMs), close };
  } catch (error) {
    close();
    throw asTransferError(error, idleTimeoutMs);
  }
}

/** A small text page; anything but HTTP 200 within the time is an error. */
export async function readText(
  url: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<string> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const opened = await openUrl(url, { from: 0, etag: null, signal });
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.body) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    opened.close();
  }
}

function usesProxy(): boolean {
  const { env } = process;
  return Boolean(env.HTTPS_PROXY ?? env.https_proxy ?? env.HTTP_PROXY ?? env.http_proxy);
}

function requestHeaders(target: URL, options: OpenOptions): Record<string, string> {
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (options.from > 0) headers.range = `bytes=${options.from}-`;
  if (options.from > 0 && options.etag !== null) headers["if-range"] = options.etag;
  if (target.username !== "") {
    // A private index may carry credentials in its URL, which fetch refuses there.
    const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  return headers;
}

interface ResponseHead {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

function interpret(response: ResponseHead, from: number): Omit<OpenedUrl, "body" | "close"> {
  const { status, headers } = response;
  const quoted = headers.get("etag");
  // A weak tag does not promise equal bytes.
  const etag = quoted?.startsWith('"') ? quoted : null;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const rangeTotal = range && range[2] !== "*" ? Number(range[2]) : null;
  if (status === 200) {
    const length = headers.get("content-length");
    const encoded = (headers.get("content-encoding") ?? "identity") !== "identity";
    return { start: 0, total: length === null || encoded ? null : Number(length), etag };
  }
  if (status === 206) {
    if (range?.[1] !== undefined && Number(range[1]) === from) {
      return { start: from, total: rangeTotal, etag };
    }
    throw new TransferError("the server continued at the wrong place", "never");
  }
  if (status === 416 && from > 0) return { start: null, total: rangeTotal, etag };
  const passing = status >= 500 || status === 429 || status === 408;
  throw new TransferError(`the server answered HTTP ${status}`, passing ? "always" : "never");
}

async function* namingFailures(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw asTransferError(error, idleTimeoutMs);
  }
}

function asTransferError(error: unknown, idleTimeoutMs: number): unknown {
  if (error instanceof TransferError) return error;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = codeOf(cause) ?? codeOf(error);
  const seconds = Math.round(idleTimeoutMs / 1000);
  const words: Record<string, [string, Retry]> = {
    ENOTFOUND: ["the host name cannot be resolved", "if-begun"],
    EAI_AGAIN: ["the host name cannot be resolved now", "if-begun"],
    ECONNREFUSED: ["the connection was refused", "if-begun"],
    ENETUNREACH: ["the network is unreachable", "if-begun"],
    EHOSTUNREACH: ["the host is unreachable", "if-begun"],
    UND_ERR_CONNECT_TIMEOUT: ["no connection in time", "if-begun"],
    UND_ERR_HEADERS_TIMEOUT: [`no answer for ${seconds} s`, "if-begun"],
    UND_ERR_BODY_TIMEOUT: [`no byte for ${seconds} s`, "if-begun"],
    UND_ERR_SOCKET: ["the connection was dropped", "always"],
    ECONNRESET: ["the connection was dropped", "always"],
  };
  const [message, retry] = (code === undefined ? undefined : words[code]) ?? [
    messageOf(cause),
    "if-begun",
  ];
  return new TransferError(message, retry, { cause: error });
}

/** pip may find a wheel in a local folder (`--find-links`): then there is nothing to resume. */
async function openFile(target: URL, options: OpenOptions): Promise<OpenedUrl> {
  const path = fileURLToPath(target);
  try {
    const { size } = await stat(path);
    const stream = createReadStream(path, options.signal ? { signal: options.signal } : {});
    return { start: 0, total: size, etag: null, body: stream, close: () => void stream.destroy() };
  } catch (error) {
    throw new TransferError(`cannot read it: ${messageOf(error)}`, "never", { cause: error });
  }
}
