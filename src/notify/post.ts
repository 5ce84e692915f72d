import { EnvHttpProxyAgent, fetch, type Response } from "undici";
import type { Clock } from "../core/clock.js";
import { messageOf } from "../core/errors.js";
import { invisible } from "../core/invisible.js";
import type { Notice } from "../core/notify.js";
import { redact } from "../core/secrets.js";
import { type Channel, postingFor } from "./channel.js";

/** What came of one attempt. `problem` is safe to show. */
export type Delivery =
  | { readonly kind: "delivered"; readonly status: number }
  /** Worth another attempt, not before so many milliseconds if the server said so. */
  | { readonly kind: "later"; readonly problem: string; readonly retryAfter: number | null }
  /** Would be refused again. */
  | { readonly kind: "refused"; readonly problem: string };

export type Post = (channel: Channel, notice: Notice, signal: AbortSignal) => Promise<Delivery>;

const mostRedirects = 3;
/** Bytes of a refusal that are read for what it says. */
const explanationLimit = 2_000;
const passing = new Set([408, 425, 429]);

/**
 * Sends over HTTP; HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured. Throws only when the signal is
 * aborted; whatever else goes wrong is a Delivery.
 *
 * @param timeout Milliseconds for one attempt with all its redirects.
 */
export function createPost(clock: Clock, timeout = 15_000): { post: Post; close(): Promise<void> } {
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout } });
  const post: Post = async (channel, notice, signal) => {
    const late = AbortSignal.timeout(timeout);
    const either = AbortSignal.any([signal, late]);
    try {
      const { headers, body } = postingFor(channel, notice);
      const send = (url: URL) =>
        fetch(url, {
          method: "POST",
          headers: { ...headers, "user-agent": "redistill" },
          body,
          redirect: "manual",
          dispatcher,
          signal: either,
        });
      return await follow(channel.url, send, clock);
    } catch (error) {
      signal.throwIfAborted();
      const problem = late.aborted ? `no answer for ${timeout / 1000} s` : describe(error);
      return { kind: "later", problem, retryAfter: null };
    }
  };
  return { post, close: () => dispatcher.destroy() };
}

/** Follows redirects on the same host only: another one must not get the token or the message. */
async function follow(
  first: URL,
  send: (url: URL) => Promise<Response>,
  clock: Clock,
): Promise<Delivery> {
  let url = first;
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const response = await send(url);
    const { status, headers } = response;
    if (status < 300 || status >= 400) return judge(response, clock);
    await response.body?.cancel();
    const location = headers.get("location");
    if (location === null || !URL.canParse(location, url.href)) {
      return { kind: "refused", problem: `HTTP ${status} without a usable address` };
    }
    const next = new URL(location, url);
    if (!sameHost(url, next)) {
      return {
        kind: "refused",
        problem: `it redirects to another host (${next.host}), which is not followed`,
      };
    }
    url = next;
  }
  return { kind: "refused", problem: `more than ${mostRedirects} redirects` };
}

function sameHost(from: URL, to: URL): boolean {
  if (to.username !== "" || to.password !== "") return false;
  const upgrade =
    from.protocol === "http:" &&
    to.protocol === "https:" &&
    from.port === "" &&
    to.port === "" &&
    from.hostname === to.hostname;
  return from.origin === to.origin || upgrade;
}

async function judge(response: Response, clock: Clock): Promise<Delivery> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) {
    // Delivered, whatever becomes of the rest of the answer.
    await response.body?.cancel().catch(() => {});
    return { kind: "delivered", status };
  }
  const problem = `HTTP ${status}${await explanation(response)}`;
  if (status < 500 && !passing.has(status)) return { kind: "refused", problem };
  return { kind: "later", problem, retryAfter: retryAfter(headers.get("retry-after"), clock) };
}

/** Milliseconds of a Retry-After header: seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null, clock: Clock): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - clock.now().getTime());
}

/** What a server says of its refusal, as one short line; it may quote what we sent. */
async function explanation(response: Response): Promise<string> {
  let text = "";
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length >= explanationLimit) break;
    }
  } catch {
    // The status is known; the rest is a courtesy.
  }
  const line = redact(text.slice(0, explanationLimit)).replace(/\s+/g, " ").replace(invisible, "");
  return line === "" ? "" : `: ${line.trim().slice(0, 160)}`;
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const words: Record<string, string> = {
    ENOTFOUND: "the host name cannot be resolved",
    EAI_AGAIN: "the host name cannot be resolved now",
    ECONNREFUSED: "the connection was refused",
    ECONNRESET: "the connection was dropped",
    UND_ERR_SOCKET: "the connection was dropped",
    UND_ERR_CONNECT_TIMEOUT: "no connection in time",
    ENETUNREACH: "the network is unreachable",
    EHOSTUNREACH: "the host is unreachable",
  };
  return words[code] ?? redact(messageOf(cause)).slice(0, 160);
}
