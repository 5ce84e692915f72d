import { Agent, type Dispatcher, type RequestInit, fetch as send } from "undici";
import { messageOf, RedistillError } from "../../core/errors.js";
import { invisible } from "../../core/invisible.js";
import { EndpointFault } from "../remote/endpoint.js";

/** Characters of what a server says that are kept for people. */
const mostExplanation = 500;
/** Characters of one line of a stream: far more than a chunk of an answer or of progress ever has. */
const longestLine = 16_000_000;

/**
 * How long a server may be silent is for whoever asks to say: undici would give up after five
 * minutes, and a large model takes longer to load.
 */
export function createDispatcher(): Dispatcher {
  return new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });
}

/**
 * `fetch` as the `ollama` client gets it: stopped by the signal even before the headers are there, a
 * refusal with its Retry-After, and no line of a stream passed over, which the client does with those
 * that are not JSON.
 *
 * @throws EndpointFault
 */
export function strictFetch(dispatcher: Dispatcher, signal: AbortSignal): typeof fetch {
  const strict = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const both = init.signal ? AbortSignal.any([init.signal, signal]) : signal;
    const response = await send(url, { ...init, dispatcher, signal: both });
    if (!response.ok) {
      const retryAfter = response.headers.get("retry-after");
      throw faultOf(response.status, await response.text().catch(() => ""), retryAfter);
    }
    if (!response.headers.get("content-type")?.includes("ndjson") || response.body === null) {
      return response as unknown as Response;
    }
    const body = response.body as unknown as ReadableStream<Uint8Array>;
    return new Response(body.pipeThrough(wholeLines()), { status: response.status });
  };
  return strict as unknown as typeof fetch;
}

/** What a status other than 2xx means for whoever asked. */
export function faultOf(status: number, body: string, retryAfter: string | null): EndpointFault {
  const said = `HTTP ${status}${explanation(body)}`;
  const seconds = Number(retryAfter ?? Number.NaN);
  const wait = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
  if (status === 429 || status === 503) return new EndpointFault("busy", said, wait);
  // 499 is Ollama's word for a request that was given up, which is not why it is read here.
  if (status >= 500 || status === 499 || status === 408) {
    return new EndpointFault("unavailable", said, wait);
  }
  return new EndpointFault("refused", said);
}

function explanation(body: string): string {
  let text = body;
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    if (typeof error === "string") text = error;
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  const line = text.replace(invisible, " ").trim().slice(0, mostExplanation);
  return line === "" ? "" : `: ${line}`;
}

/** Lets lines of JSON through; anything else is an error of the stream. */
function wholeLines(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  const check = (line: string) => {
    if (line.trim() === "") return;
    try {
      JSON.parse(line);
    } catch {
      throw new EndpointFault("unavailable", "a line of its stream is not JSON");
    }
  };
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) check(line);
      if (rest.length > longestLine) {
        throw new EndpointFault("unavailable", "a line of its stream does not end");
      }
      controller.enqueue(chunk);
    },
    flush: () => check(rest),
  });
}

/** What went wrong, as an EndpointFault or RedistillError; an abort is thrown on as it is. */
export function asFault(error: unknown, signal: AbortSignal): Error {
  signal.throwIfAborted();
  if (error instanceof EndpointFault || error instanceof RedistillError) return error;
  return new EndpointFault("unavailable", reasonOf(error), null, { cause: error });
}

/** The client's words for a stream that came to its end without a last line. */
export function endedEarly(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Did not receive done");
}

/** The client throws a plain Error with the text of an error line; what undici throws is of other kinds. */
export function isErrorLine(error: unknown): error is Error {
  return error instanceof Error && error.constructor === Error && !endedEarly(error);
}

/** undici says "fetch failed" and keeps why in `cause`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  const text = messageOf(cause) || String(code ?? "no reason given");
  return text.replace(invisible, " ").slice(0, mostExplanation);
}
