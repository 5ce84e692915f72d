import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request of OpenAI's chat API, as far as tests look at it. */
export interface ChatBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly temperature?: number;
  readonly top_p?: number;
  readonly max_tokens?: number;
  readonly seed?: number;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly stream_options?: unknown;
  readonly response_format?: { readonly type: string };
  readonly logprobs?: boolean;
  readonly top_logprobs?: number;
  readonly lora?: readonly { readonly id: number; readonly scale: number }[];
}

/** What the scripted server does with a chat request. */
export type Said =
  /** An answer in pieces, one a chunk. */
  | {
      readonly pieces: readonly string[];
      /** Null: the stream ends without a reason, and without a last line. */
      readonly finish?: string | null;
      readonly usage?: Readonly<Record<string, unknown>> | null;
      /** Sent as it is after the pieces, in place of an end. */
      readonly line?: string;
      readonly logprobs?: readonly unknown[];
    }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  /** Takes the request and never answers, or only its first piece. */
  | "hang"
  | "hang after one piece"
  | "reset";

/** Answers any other question: a status and a JSON body; undefined is 404. */
export type Aside = (
  method: string,
  path: string,
  body: unknown,
) => { readonly status?: number; readonly body: unknown } | undefined;

export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface OpenAIApi {
  /** Ends in /v1. */
  readonly url: string;
  /** Every request, in order. */
  readonly asked: Asked[];
  /** The chat requests among them. */
  readonly chats: ChatBody[];
  /** Replaceable while it runs. */
  chat(body: ChatBody): Said;
  aside: Aside;
  /** Connections that a client gave up. */
  readonly closedEarly: { count: number };
  close(): Promise<void>;
}

/** A server of models named in `names`, which refuses every other name as vLLM does. */
export function listOf(names: readonly string[], owned_by = "somebody"): Aside {
  return (method, path) =>
    method === "GET" && path === "/v1/models"
      ? { body: { object: "list", data: names.map((id) => ({ id, object: "model", owned_by })) } }
      : undefined;
}

/**
 * Answers as a server with all abilities: another text for each seed unless the sampling leaves one
 * token, JSON by schema, log-probabilities.
 */
export function ableChat(body: ChatBody): Extract<Said, { pieces: unknown }> {
  const prompt = body.messages.map(({ content }) => content).join(" ");
  const usage = { prompt_tokens: prompt.length, completion_tokens: 3, total_tokens: 3 };
  if (body.response_format?.type === "json_schema") {
    return { pieces: ['{"a":', '"zyx"', "}"], usage };
  }
  const greedy = !body.temperature || body.top_k === 1 || body.min_p === 1;
  const text = greedy ? "the river" : `a river ${body.seed}`;
  const top = Array.from({ length: body.top_logprobs ?? 0 }, (_, i) => ({
    token: `t${i}`,
    logprob: -1 - i,
  }));
  return {
    pieces: [text.slice(0, 3), text.slice(3)],
    usage,
    ...(body.logprobs
      ? { logprobs: [{ token: "the", logprob: -0.5, bytes: null, top_logprobs: top }] }
      : {}),
  };
}

/** A real HTTP server on 127.0.0.1 that speaks OpenAI's chat API from a script. */
export async function startOpenAIApi(
  chat: (body: ChatBody) => Said = ableChat,
  aside: Aside = listOf(["river-1"]),
): Promise<OpenAIApi> {
  const api = {
    ...{ asked: [] as Asked[], chats: [] as ChatBody[], chat, aside, closedEarly: { count: 0 } },
  };
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const { url: path = "", headers, method = "" } = request;
    api.asked.push({ path, authorization: headers.authorization, body });
    response.on("close", () => {
      if (!response.writableFinished) api.closedEarly.count++;
    });
    if (method === "POST" && path === "/v1/chat/completions") {
      api.chats.push(body as ChatBody);
      speak(response, body as ChatBody, api.chat(body as ChatBody));
      return;
    }
    const { status, body: said } = api.aside(method, path, body) ?? {
      ...{ status: 404, body: { detail: "Not Found" } },
    };
    send(response, status ?? 200, said);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(api, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? null : JSON.parse(text);
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function speak(response: ServerResponse, { model }: ChatBody, said: Said): void {
  if (said === "hang") return;
  if (said === "reset") {
    response.destroy();
    return;
  }
  if (typeof said === "object" && "status" in said) {
    send(response, said.status, said.body ?? "", said.headers);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const event = (choices: readonly unknown[], more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", model, choices, ...more })}\n\n`,
    );
  const delta = (content: string, more: object = {}) =>
    event([{ index: 0, delta: { role: "assistant", content }, finish_reason: null, ...more }]);
  delta("");
  if (said === "hang after one piece") {
    delta("the");
    return;
  }
  for (const [place, piece] of said.pieces.entries()) {
    delta(piece, place === 0 && said.logprobs ? { logprobs: { content: said.logprobs } } : {});
  }
  if (said.line !== undefined) {
    response.end(`data: ${said.line}\n\n`);
    return;
  }
  const finish_reason = said.finish === undefined ? "stop" : said.finish;
  if (finish_reason === null) {
    response.end();
    return;
  }
  event([{ index: 0, delta: {}, finish_reason }]);
  const usage = said.usage ?? null;
  if (usage !== null) event([], { usage });
  response.end("data: [DONE]\n\n");
}
