import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What a scripted server does with a request. */
export type Answer =
  | number
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Takes the request and never answers. */
  | "hang"
  /** Closes the connection without an answer. */
  | "reset"
  /** Answers 500 with everything that it was sent. */
  | "echo";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly host: string;
  readonly received: Received[];
  close(): Promise<void>;
}

/** A real HTTP server on 127.0.0.1 that answers in the given order; the last answer is repeated. */
export async function startReceiver(
  answers: Answer[],
  onRequest: (request: Received) => void = () => {},
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("utf8");
    const { headers, url = "" } = request;
    const answer = answers[Math.min(received.length, answers.length - 1)]!;
    received.push({ path: url, headers, body });
    onRequest(received.at(-1)!);
    if (answer === "hang") return;
    if (answer === "reset") return void request.socket.destroy();
    if (answer === "echo") {
      response.writeHead(500).end(`you sent ${headers.authorization} to ${url}`);
    } else if (typeof answer === "number") {
      response.writeHead(answer).end("");
    } else {
      response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
