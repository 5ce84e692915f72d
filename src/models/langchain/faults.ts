import { messageOf, RedistillError } from "../../core/errors.js";
import { invisible } from "../../core/invisible.js";
import { redact } from "../../core/secrets.js";
import { EndpointFault } from "../remote/endpoint.js";
import { retryAfterMs } from "./retry-after.js";

/** Characters of what a server says that are kept for people. */
const mostExplanation = 500;

/**
 * What a provider's package threw, as a fault of the server. An abort and an error of ours are given
 * back as they are.
 */
export function asFault(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  if (error instanceof EndpointFault || error instanceof RedistillError) return error;
  const status = statusOf(error);
  const said = explanation(error, status);
  const wait = retryAfterMs(headersOf(error));
  // An account without money answers 429, too, but waiting does not mend it.
  const unpaid = (error as { code?: unknown } | null)?.code === "insufficient_quota";
  if ((status === 429 && !unpaid) || status === 503) return new EndpointFault("busy", said, wait);
  const passing = status === null || status >= 500 || status === 408 || status === 409;
  return new EndpointFault(passing ? "unavailable" : "refused", said, wait, { cause: error });
}

/** The HTTP status of an error from any provider's package; null for a broken connection or stream. */
export function statusOf(error: unknown): number | null {
  const { status, statusCode, response, cause } = (error ?? {}) as {
    [name in "status" | "statusCode"]?: unknown;
  } & { response?: { status?: unknown }; cause?: unknown };
  for (const each of [status, statusCode, response?.status]) {
    if (typeof each === "number" && each >= 400 && each < 600) return each;
  }
  return cause instanceof Error ? statusOf(cause) : null;
}

function headersOf(error: unknown): Headers | null {
  const { headers, response } = (error ?? {}) as {
    headers?: unknown;
    response?: { headers?: unknown };
  };
  for (const each of [headers, response?.headers]) {
    if (typeof (each as Headers | undefined)?.get === "function") return each as Headers;
  }
  return null;
}

/** What a server said, for people: without secrets and what hides in text, and not too long. */
export function readable(text: string): string {
  return redact(text).replace(invisible, " ").trim().slice(0, mostExplanation);
}

/** undici says "fetch failed" and the OpenAI client "Connection error."; why is in the innermost cause. */
function explanation(error: unknown, status: number | null): string {
  let inner = error;
  while (status === null && inner instanceof Error && inner.cause instanceof Error) {
    inner = inner.cause;
  }
  const code = (inner as { code?: unknown } | null)?.code;
  const text = messageOf(inner) || String(code ?? "no reason given");
  const plain = readable(text);
  return status === null || plain.startsWith(String(status)) ? plain : `${status} ${plain}`;
}
