import {
  Agent,
  type Dispatcher,
  EnvHttpProxyAgent,
  type Response as Received,
  type RequestInit,
  fetch as send,
} from "undici";
import { asFault } from "../langchain/faults.js";
import { EndpointFault } from "../remote/endpoint.js";

/** What a server said to a question beside its chat API. */
export interface Reply {
  readonly status: number;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

/** Bytes of an answer to such a question that are read. */
const mostBytes = 4_000_000;

/** Connections to one server. Its address may end in /v1; `root` questions are asked beside that. */
export class ServerHttp {
  /** Without a slash at its end. */
  readonly base: string;
  readonly root: string;
  private readonly dispatcher: Dispatcher;

  constructor(
    url: string,
    private readonly apiKey: string | null,
  ) {
    this.base = url.replace(/\/+$/, "");
    this.root = this.base.replace(/\/v\d+$/, "");
    // How long a server may be silent is for whoever asks to say; undici gives up after 5 minutes.
    const patient = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } };
    const { hostname } = new URL(url);
    const local = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
    this.dispatcher = local ? new Agent(patient) : new EnvHttpProxyAgent(patient);
  }

  /** `fetch` for the OpenAI client, which drops what servers made with FastAPI say: `{"detail": …}`. */
  readonly fetch: typeof fetch = (async (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers as ConstructorParameters<typeof Headers>[0]);
    // The client insists on a key; a server that needs none gets none.
    if (this.apiKey === null) headers.delete("authorization");
    const asSent = { ...init, headers: [...headers], dispatcher: this.dispatcher };
    const response = await send(url, asSent as RequestInit);
    return response.ok ? response : withError(response);
  }) as unknown as typeof fetch;

  /**
   * Asks something beside the chat API; any status is an answer.
   *
   * @throws EndpointFault where there is none.
   */
  async ask(url: string, signal: AbortSignal, post?: unknown): Promise<Reply> {
    try {
      const response = await send(url, {
        method: post === undefined ? "GET" : "POST",
        headers: {
          ...(this.apiKey === null ? {} : { authorization: `Bearer ${this.apiKey}` }),
          ...(post === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(post === undefined ? {} : { body: JSON.stringify(post) }),
        dispatcher: this.dispatcher,
        signal,
      });
      return { status: response.status, body: parsed(await limited(response)) };
    } catch (error) {
      throw asFault(error, signal);
    }
  }

  close(): Promise<void> {
    return this.dispatcher.destroy();
  }
}

async function limited(response: Received): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) throw new EndpointFault("unavailable", "its answer does not end");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The same refusal in the form that the client reads. */
async function withError(response: Received): Promise<Response> {
  const text = await limited(response);
  const body = parsed(text) as { error?: unknown; detail?: unknown; message?: unknown } | null;
  const { error } = body ?? {};
  const known = typeof error === "object" && error !== null;
  const said = error ?? body?.detail ?? body?.message ?? text;
  const message = typeof said === "string" ? said : JSON.stringify(said);
  const { status } = response;
  const headers = new Headers([...response.headers]);
  // The body is no longer what these tell of.
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  return new Response(known ? text : JSON.stringify({ error: { message } }), { status, headers });
}
