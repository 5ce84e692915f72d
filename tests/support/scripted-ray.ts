// A stand-in for a Ray cluster's dashboard: the routes of its Jobs API that are used, over real HTTP and WebSocket, with
// jobs that are real processes on this machine. It misbehaves on request.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";

interface Job {
  status: "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  message: string;
  error_type: string | null;
  readonly log: string;
  readonly child: ChildProcess;
  readonly request: Record<string, unknown>;
}

/** An HTTP status; no answer, with or without doing what was asked; or the usual. */
type Planned = number | "reset" | "lose" | "pass";

export interface ScriptedRay {
  readonly address: string;
  readonly jobs: ReadonlyMap<string, Job>;
  /** Ids in the order of their submission, those of earlier heads included. */
  readonly submitted: string[];
  readonly authorizations: (string | undefined)[];
  /** What becomes of the next requests, in place of what was planned before. */
  plan(...answers: Planned[]): void;
  /** Whether logs can be streamed; else the upgrade is refused. */
  streams: boolean;
  /** The node of every running job is gone: its process too, and Ray notices. */
  loseNodes(errorType?: string): void;
  /** Another head takes this one's place, and knows no job. */
  loseHead(): void;
  close(): Promise<void>;
}

/** @param folder For the jobs' logs. */
export async function startScriptedRay(folder: string): Promise<ScriptedRay> {
  const jobs = new Map<string, Job>();
  const submitted: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const next: Planned[] = [];
  const server = createServer((request, response) => {
    const planned = next.shift();
    authorizations.push(request.headers.authorization);
    if (planned === "reset") request.socket.destroy();
    else if (typeof planned === "number")
      response.writeHead(planned).end("Traceback\nError: planned");
    else void route(request, response, planned === "lose");
  });
  const ray: ScriptedRay = {
    address: "",
    ...{ jobs, submitted, authorizations, streams: true },
    plan: (...answers) => void next.splice(0, next.length, ...answers),
    loseNodes(errorType = "JOB_SUPERVISOR_ACTOR_DIED") {
      for (const job of jobs.values()) {
        if (job.status !== "RUNNING") continue;
        Object.assign(job, { status: "FAILED", message: "actor died", error_type: errorType });
        kill(job);
      }
    },
    loseHead() {
      for (const job of jobs.values()) kill(job);
      jobs.clear();
    },
    async close() {
      for (const job of jobs.values()) kill(job);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const submit = (request: Record<string, unknown>): string | null => {
    const id = String(request.submission_id);
    if (jobs.has(id)) return null;
    const log = join(folder, `${submitted.length}-${id}.log`);
    const file = openSync(log, "a");
    const { env_vars: variables } = request.runtime_env as { env_vars: Record<string, string> };
    const child = spawn("/bin/sh", ["-c", String(request.entrypoint)], {
      env: { ...process.env, ...variables },
      stdio: ["ignore", file, file],
      detached: true,
    });
    closeSync(file);
    const job: Job = { status: "RUNNING", message: "", error_type: null, log, child, request };
    child.once("exit", (code) => {
      if (job.status !== "RUNNING") return;
      if (code === 0) job.status = "SUCCEEDED";
      else {
        const message = `Job entrypoint command failed with exit code ${code}`;
        Object.assign(job, {
          status: "FAILED",
          message,
          error_type: "JOB_ENTRYPOINT_COMMAND_ERROR",
        });
      }
    });
    jobs.set(id, job);
    submitted.push(id);
    return id;
  };

  const route = async (request: IncomingMessage, response: ServerResponse, isLost: boolean) => {
    const send = (status: number, body: object | string) =>
      isLost
        ? request.socket.destroy()
        : response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    const url = request.url ?? "";
    const [, id = "", action = ""] = /^\/api\/jobs\/([^/]+)(?:\/(\w+))?$/.exec(url) ?? [];
    const job = jobs.get(id);
    if (url === "/api/version") return send(200, { ray_version: "2.60.0" });
    if (request.method === "POST" && url === "/api/jobs/") {
      const made = submit(await bodyOf(request));
      if (made === null) return send(400, "ValueError: Job with submission_id x already exists.");
      return send(200, { job_id: made, submission_id: made });
    }
    if (!job) return send(404, `Job ${id} does not exist`);
    if (action === "logs") return send(200, { logs: readFileSync(job.log, "utf8") });
    if (action === "stop") {
      job.child.once("exit", () => Object.assign(job, { status: "STOPPED" }));
      kill(job, "SIGTERM");
      setTimeout(() => kill(job), 1_000).unref();
      return send(200, { stopped: true });
    }
    const { status, message, error_type } = job;
    return send(200, { status, message, error_type });
  };

  server.on("upgrade", (request, socket) => {
    const job = jobs.get(request.url?.split("/").at(-3) ?? "");
    if (!ray.streams || !job) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
    accept(request, socket);
    stream(job, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(ray, { address: `http://127.0.0.1:${port}` });
}

function kill({ child }: Job, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(-(child.pid as number), signal);
  } catch {
    // Gone already.
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** The handshake of a WebSocket (RFC 6455, 4.2.2). */
function accept(request: IncomingMessage, socket: Duplex): void {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const answer = createHash("sha1").update(key).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`,
  );
}

/** Sends a log as it grows, in pieces that end anywhere, and closes once the job has ended. */
function stream(job: Job, socket: Duplex): void {
  let sent = 0;
  const timer = setInterval(() => {
    const isOver = job.status !== "RUNNING";
    const text = readFileSync(job.log).subarray(sent, sent + 100);
    sent += text.length;
    if (text.length > 0) socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
    else if (isOver) socket.end(Buffer.from([0x88, 0]));
  }, 5);
  const end = () => clearInterval(timer);
  socket.on("close", end).on("error", end);
}
