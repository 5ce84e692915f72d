import { EnvHttpProxyAgent, request, WebSocket } from "undici";
import { z } from "zod";
import { messageOf, RedistillError } from "../../core/errors.js";
import { invisible } from "../../core/invisible.js";
import { redact } from "../../core/secrets.js";
import { RayAway } from "./away.js";

/** A job as the cluster knows it. */
export type RayJob = z.infer<typeof jobShape>;

const jobShape = z.object({
  status: z.enum(["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]),
  message: z.string().nullish(),
  /** Which of Ray's own parts failed, where it was not the command. */
  error_type: z.string().nullish(),
});

export interface Submission {
  readonly id: string;
  /** A shell command. */
  readonly entrypoint: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly gpus: number;
}

/** A connection that brings a job's log as it is written, from its beginning. */
export interface LogTail {
  readonly isOpen: boolean;
  close(): void;
}

/**
 * The Ray Jobs REST API of a cluster's dashboard (Ray's reference: "Ray Jobs REST API").
 * Every method throws RayAway where asking again may help, RedistillError `setup` where it will not.
 */
export interface RayJobs {
  version(signal: AbortSignal): Promise<string>;
  /** Does nothing if the cluster has a job of this id already. */
  submit(submission: Submission, signal: AbortSignal): Promise<void>;
  find(id: string, signal: AbortSignal): Promise<RayJob | null>;
  stop(id: string, signal: AbortSignal): Promise<void>;
  logs(id: string, signal: AbortSignal): Promise<string>;
  tail(id: string, onText: (text: string) => void): LogTail;
  close(): Promise<void>;
}

export interface RayJobsOptions {
  readonly address: string;
  readonly token: string | null;
  /** For one request with its answer, in milliseconds. */
  readonly timeoutMs?: number;
}

const versionPath = "/api/version";
/** What the cluster says with a 404 of a job that it does not know. */
const absent = "does not exist";

/** Talks to a dashboard over HTTP; HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured. */
export function createRayJobs({ address, token, timeoutMs = 30_000 }: RayJobsOptions): RayJobs {
  const base = address.replace(/\/+$/, "");
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: timeoutMs } });
  const headers: Record<string, string> = {
    "user-agent": "redistill",
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };

  const ask = async (
    method: "GET" | "POST",
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<{ status: number; text: string }> => {
    signal.throwIfAborted();
    const late = AbortSignal.timeout(timeoutMs);
    let answer: { status: number; text: string };
    try {
      // Not fetch: it sends a browser's headers, and Ray answers 405 to browsers that change something.
      const response = await request(`${base}${path}`, {
        ...{ method, dispatcher, signal: AbortSignal.any([signal, late]) },
        headers: body ? { ...headers, "content-type": "application/json" } : headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      answer = { status: response.statusCode, text: await response.body.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw new RayAway(late.aborted ? `no answer for ${timeoutMs / 1000} s` : causeOf(error));
    }
    const { status, text } = answer;
    // A head that starts answers before it knows its routes; a wrong address is found by version().
    const isStarting = status === 404 && path !== versionPath && !text.includes(absent);
    if (status >= 500 || status === 408 || status === 429 || isStarting) {
      throw new RayAway(`HTTP ${status}: ${lastLine(text)}`);
    }
    if (status === 401 || status === 403) throw refused(base, status, text);
    return answer;
  };

  const askForJson = async <T>(path: string, shape: z.ZodType<T>, signal: AbortSignal) => {
    const { status, text } = await ask("GET", path, signal);
    const value = status === 200 ? shape.safeParse(parsed(text)) : null;
    if (value?.success) return value.data;
    throw noDashboard(base, status, text);
  };
  const pathOf = (id: string) => `/api/jobs/${encodeURIComponent(id)}`;

  return {
    async version(signal) {
      const shape = z.object({ ray_version: z.string().max(100) });
      return (await askForJson(versionPath, shape, signal)).ray_version;
    },

    async submit({ id, entrypoint, environment, metadata, cpus, gpus }, signal) {
      const { status, text } = await ask("POST", "/api/jobs/", signal, {
        ...{ submission_id: id, entrypoint, metadata },
        runtime_env: { env_vars: environment },
        ...{ entrypoint_num_cpus: cpus, entrypoint_num_gpus: gpus },
      });
      if (status === 200 || (status === 400 && text.includes("already exists"))) return;
      throw refused(base, status, text);
    },

    async find(id, signal) {
      const { status, text } = await ask("GET", pathOf(id), signal);
      if (status === 404) return null;
      const job = status === 200 ? jobShape.safeParse(parsed(text)) : null;
      if (job?.success) return job.data;
      throw noDashboard(base, status, text);
    },

    async stop(id, signal) {
      await ask("POST", `${pathOf(id)}/stop`, signal);
    },

    async logs(id, signal) {
      const shape = z.object({ logs: z.string() });
      return (await askForJson(`${pathOf(id)}/logs`, shape, signal)).logs;
    },

    tail(id, onText) {
      const url = `${base.replace(/^http/, "ws")}${pathOf(id)}/logs/tail`;
      const socket = new WebSocket(url, { dispatcher, headers });
      let isOpen = true;
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") onText(data);
      });
      const end = () => {
        isOpen = false;
      };
      socket.addEventListener("close", end);
      socket.addEventListener("error", end);
      return {
        get isOpen() {
          return isOpen;
        },
        close: () => socket.close(),
      };
    },

    close: () => dispatcher.destroy(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refused(address: string, status: number, text: string): RedistillError {
  const isAboutUs = status === 401 || status === 403;
  return new RedistillError(
    "setup",
    `The Ray cluster at ${address} refuses the request (HTTP ${status}): ${lastLine(text)}`,
    isAboutUs
      ? "Set trainer.token to the place of a valid token."
      : "Check trainer.resources and trainer.python in the recipe, and Ray's version (2.60 is tested).",
  );
}

function noDashboard(address: string, status: number, text: string): RedistillError {
  return new RedistillError(
    "setup",
    `What answers at ${address} is no Ray dashboard (HTTP ${status}): ${lastLine(text)}`,
    "Set trainer.address to the dashboard of the Ray head, usually port 8265.",
  );
}

/** The line of a traceback that says what went wrong, fit to be shown. */
export function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return redact(line).replace(/\s+/g, " ").replace(invisible, "").slice(0, 300);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return redact(code === "ECONNREFUSED" ? "connection refused" : messageOf(cause)).slice(0, 160);
}
