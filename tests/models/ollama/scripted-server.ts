import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What of /api/chat's body is looked at. */
export interface ChatBody {
  readonly model: string;
  readonly messages: { role: string; content: string }[];
  readonly options: Record<string, number>;
  readonly format?: unknown;
  readonly stream: boolean;
  readonly _debug_render_only?: boolean;
  readonly [field: string]: unknown;
}

/** Lines of a stream (a text as it is), or a refusal. */
type Said = readonly (object | string)[] | { status: number; error: string; retryAfter?: string };

/** An Ollama over real HTTP that does as it is told; the state is public for tests to change. */
export class ScriptedOllama {
  version = "0.17.4";
  digests: Record<string, string> = { "small:latest": "d".repeat(64) };
  /** What /api/chat says; `null` lets it answer as usual. */
  chat: (body: ChatBody) => Said | null = () => null;
  create: (body: Record<string, unknown>) => Said | null = () => null;
  pull: () => Said = () => [];
  embed: (body: {
    input: string[];
  }) => { embeddings: number[][] } | { status: number; error: string } = () => ({
    status: 400,
    error: "this model does not support embeddings",
  });
  /** What a model's template puts before every prompt. */
  prefix: (model: string) => string = () => "";
  rendersOnDemand = true;
  refusesLongPrompts = true;
  modelfile = "FROM /nowhere/sha256-abc\n";
  parameters = "";
  readonly blobs = new Map<string, number>();
  readonly chats: ChatBody[] = [];
  readonly creates: Record<string, unknown>[] = [];
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch((error) => response.destroy(error));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = request.url ?? "";
    if (path.startsWith("/api/blobs/"))
      return this.blob(path.slice(11), request.method, body, response);
    const json = body.length > 0 ? JSON.parse(body.toString("utf8")) : {};
    if (path === "/api/version") return say(response, { version: this.version });
    if (path === "/api/tags") return say(response, { models: this.list() });
    if (path === "/api/ps") return say(response, { models: this.list() });
    if (path === "/api/show") return say(response, this.describe());
    if (path === "/api/chat") return this.answerChat(json, response);
    if (path === "/api/embed") {
      const said = this.embed(json);
      return say(response, said, "status" in said ? said.status : 200);
    }
    if (path === "/api/create") return this.makeModel(json, response);
    if (path === "/api/pull") return sayOrStream(response, this.pull());
    if (path === "/api/delete") {
      delete this.digests[withTag(json.name)];
      return response.end();
    }
    return response.writeHead(404).end("404 page not found");
  }

  private list() {
    return Object.entries(this.digests).map(([name, digest]) => ({
      name,
      digest,
      context_length: 512,
    }));
  }

  private describe() {
    return {
      modelfile: this.modelfile,
      parameters: this.parameters,
      template: "{{ .Prompt }}",
      capabilities: ["completion"],
      model_info: { "llama.context_length": 2048 },
    };
  }

  private blob(
    name: string,
    method: string | undefined,
    body: Buffer,
    response: ServerResponse,
  ): unknown {
    if (method === "HEAD") return response.writeHead(this.blobs.has(name) ? 200 : 404).end();
    if (name !== `sha256:${createHash("sha256").update(body).digest("hex")}`) {
      return say(response, { error: "digest mismatch" }, 400);
    }
    this.blobs.set(name, body.length);
    return response.writeHead(201).end();
  }

  private makeModel(body: Record<string, unknown>, response: ServerResponse): unknown {
    this.creates.push(body);
    const said = this.create(body);
    if (said === null) {
      const name = withTag(String(body.model));
      this.digests[name] = createHash("sha256").update(JSON.stringify(body)).digest("hex");
      return stream(response, [{ status: "success" }]);
    }
    return sayOrStream(response, said);
  }

  private answerChat(body: ChatBody, response: ServerResponse): unknown {
    if (body._debug_render_only && this.rendersOnDemand) {
      const rendered_template = this.prefix(body.model) + rendered(body.messages);
      return say(response, { _debug_info: { rendered_template } });
    }
    this.chats.push(body);
    const said = this.chat(body);
    if (said !== null) return sayOrStream(response, said);
    const length = words(rendered(body.messages));
    if (length > (body.options.num_ctx ?? 0) && this.refusesLongPrompts) {
      return say(response, { error: "the input length exceeds the context length" }, 400);
    }
    const lines = body.format
      ? [piece('{"a": "zyx"}'), last(length)]
      : [piece("well"), last(length)];
    return body.stream ? stream(response, lines) : say(response, { ...lines[0], ...last(length) });
  }
}

/** A piece of an answer. */
export const piece = (content: string) => ({
  message: { role: "assistant", content },
  done: false,
});

/** The last line of an answer. */
export const last = (promptTokens: number, reason = "stop") => ({
  message: { role: "assistant", content: "" },
  done: true,
  done_reason: reason,
  prompt_eval_count: promptTokens,
  eval_count: 2,
});

/** The scripted server's template. */
export function rendered(messages: readonly { role: string; content: string }[]): string {
  return `${messages.map(({ role, content }) => `<${role}> ${content} `).join("")}<assistant> `;
}

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

const withTag = (name: string) => (name.includes(":") ? name : `${name}:latest`);

function say(response: ServerResponse, value: object, status = 200): unknown {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  return response.end(JSON.stringify(value));
}

function stream(response: ServerResponse, lines: readonly (object | string)[]): unknown {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const texts = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  return response.end(texts.map((text) => `${text}\n`).join(""));
}

function sayOrStream(response: ServerResponse, said: Said): unknown {
  if (!("status" in said)) return stream(response, said);
  if (said.retryAfter) response.setHeader("retry-after", said.retryAfter);
  return say(response, { error: said.error }, said.status);
}
