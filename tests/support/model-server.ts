import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { json } from "node:stream/consumers";
import type { CallRequest } from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import type { Script } from "../../src/models/scripted.js";

/** What goes wrong with a request, once. */
export type ServerFault =
  | { readonly status: 400 | 401 | 429 | 500 | 503; readonly retryAfter?: number | string }
  /** The connection is dropped before or in the middle of an answer. */
  | "reset"
  | "reset half-way"
  /** Nothing comes any more: before the headers, or after the first token. */
  | "hang"
  | "hang half-way"
  /** The stream ends in good order, but the answer is not complete. */
  | "end half-way"
  | "error line"
  /** Only the end of the prompt is read, and nothing is said of it. */
  | "cut";

/** One request as it came in. */
export interface Asked {
  /** Of everything that determines the answer. */
  readonly key: string;
  readonly text: string;
  readonly adapter: string | null;
  /** Milliseconds of a clock that only grows. */
  readonly at: number;
  fault: ServerFault | null;
  answered: boolean;
}

/** Decides about the n-th request (from 1 on) that the server gets. */
export type FaultPlan = (asked: Asked, n: number) => ServerFault | null;

/**
 * A real HTTP server on this machine that answers from a script and does what a plan says; it keeps a
 * ledger of all that it was asked. Its protocol is made for tests: see http-endpoint.ts.
 */
export class ModelServer {
  readonly ledger: Asked[] = [];
  digest = "a".repeat(64);
  plan: FaultPlan = () => null;
  /** The most requests that were under way at once. */
  mostAtOnce = 0;
  private underWay = 0;
  private port = 0;
  private readonly sockets = new Set<Socket>();
  private server = this.make();

  constructor(
    private readonly script: Script,
    /** How long an answer takes, in milliseconds. */
    /** How long an answer takes. */
    public delayMs = 0,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Faults that really happened. */
  get fired(): number {
    return this.ledger.filter(({ fault }) => fault !== null).length;
  }

  /** Starts, on the port that it had before. */
  async start(): Promise<this> {
    this.server = this.make();
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(this.port, "127.0.0.1", resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Stops as a process that was killed: every connection is reset. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  private make() {
    const server = createServer(async (request, response) => {
      if (request.url === "/identity") {
        response.end(JSON.stringify({ digest: this.digest }));
        return;
      }
      const body = (await json(request)) as { request: CallRequest; adapter: string | null };
      await this.answer(body.request, body.adapter, response);
    });
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.sockets.delete(socket));
    });
    return server;
  }

  private async answer(
    request: CallRequest,
    adapter: string | null,
    response: ServerResponse,
  ): Promise<void> {
    const asked: Asked = {
      key: sha256({ request, adapter }),
      text: request.messages.at(-1)?.content ?? "",
      adapter,
      at: performance.now(),
      fault: null,
      answered: false,
    };
    this.ledger.push(asked);
    asked.fault = this.plan(asked, this.ledger.length);
    this.underWay++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay);
    response.once("close", () => this.underWay--);
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    this.reply(request, asked, response);
  }

  private reply(request: CallRequest, asked: Asked, response: ServerResponse): void {
    const { fault, adapter } = asked;
    if (fault === "hang") return;
    if (fault === "reset") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (typeof fault === "object" && fault !== null) {
      const header = fault.retryAfter === undefined ? {} : { "retry-after": `${fault.retryAfter}` };
      response.writeHead(fault.status, header).end(`told to answer ${fault.status}`);
      return;
    }
    const say = (line: object) => response.write(`${JSON.stringify(line)}\n`);
    const answer = this.script(request, adapter);
    const half = Math.ceil(answer.length / 2);
    say({ token: answer.slice(0, half) });
    if (fault === "hang half-way") return;
    if (fault === "reset half-way") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (fault === "end half-way") {
      response.end();
      return;
    }
    if (fault === "error line") {
      response.end(`${JSON.stringify({ error: "told to fail" })}\n`);
      return;
    }
    say({ token: answer.slice(half) });
    const prompt = promptText(request).split(/\s+/).length;
    const promptTokens = fault === "cut" ? Math.floor(prompt / 2) : prompt;
    say({ done: true, promptTokens, completionTokens: Math.max(1, answer.split(/\s+/).length) });
    response.end();
    asked.answered = true;
  }
}

/** A prompt as this server's template makes it. */
export function promptText({ messages }: Pick<CallRequest, "messages">): string {
  return messages.map(({ role, content }) => `<${role}> ${content} </${role}>`).join(" ");
}
