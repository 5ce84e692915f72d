import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, RedistillError } from "../core/errors.js";
import { type Child, type ChildEnd, type ChildOptions, startChild } from "./child.js";
import { interrupted, isTrainerFault, TrainerFailure } from "./failure.js";
import { MemoryWatch } from "./memory.js";

/** What the worker can be asked for. */
type Operation = "hello" | "train" | "answer" | "tasks" | "score" | "export";

/** A line of the worker's stream. */
export type WorkerEvent = Readonly<Record<string, unknown>>;

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  onProgress?(event: WorkerEvent): void;
  /** Answers what the worker asks in the middle of a request. */
  onAsk?(event: WorkerEvent): Promise<object>;
}

export interface TrainerWorkerOptions extends ChildOptions {
  /** Without a line for this long during a request, the worker counts as stuck. */
  readonly heartbeatTimeoutMs?: number | undefined;
  /** How long a cancelled request may take to end in order. */
  readonly cancelGraceMs?: number | undefined;
  /** How long the process may take to end after its input closed, and again after SIGTERM. */
  readonly stopGraceMs?: number | undefined;
}

/** The Python worker: started by the first request, kept for the following ones. */
export interface TrainerWorker {
  /** Sends one request and resolves with its `done` event. */
  request(operation: Operation, fields: object, options?: RequestOptions): Promise<WorkerEvent>;
  /** Ends the worker's process; requests under way are interrupted. */
  dispose(): Promise<void>;
  /** Of the running process, or null. */
  readonly pid: number | null;
}

interface Pending {
  readonly operation: Operation;
  readonly onProgress: ((event: WorkerEvent) => void) | undefined;
  readonly onAsk: ((event: WorkerEvent) => Promise<object>) | undefined;
  cancelled: boolean;
  resolve(event: WorkerEvent): void;
  reject(error: unknown): void;
}

const ticksUntilSilent = 12;

/**
 * Manages the worker's process. A crash, a stuck worker or a damaged line fails the requests under
 * way with a TrainerFailure; the next request starts a new process.
 */
export function createTrainerWorker(options: TrainerWorkerOptions): TrainerWorker {
  const { heartbeatTimeoutMs = 60_000, cancelGraceMs = 30_000, stopGraceMs = 5_000 } = options;
  const pending = new Map<string, Pending>();
  let child: Child | null = null;
  let dying: TrainerFailure | null = null;
  let memory = new MemoryWatch();
  let watchdog: NodeJS.Timeout | undefined;
  let silentTicks = 0;
  let nextId = 1;
  let disposed = false;

  const start = (): Child => {
    dying = null;
    memory = new MemoryWatch();
    silentTicks = 0;
    // Ticks are counted rather than a clock read: a suspended laptop or a busy event loop of ours
    // must not make a healthy worker look stuck.
    watchdog = setInterval(() => {
      silentTicks = pending.size === 0 ? 0 : silentTicks + 1;
      if (silentTicks >= ticksUntilSilent) destroy(silence(heartbeatTimeoutMs));
    }, heartbeatTimeoutMs / ticksUntilSilent);
    watchdog.unref();
    const started = startChild(options, {
      onLine: (line) => handleLine(started, line),
      onOverflow: () => destroy(overflow()),
      onEnd: (end) => handleEnd(started, end),
    });
    return started;
  };

  const destroy = (reason: TrainerFailure) => {
    dying ??= reason;
    child?.kill("SIGKILL");
  };

  const handleLine = (from: Child, line: string) => {
    silentTicks = 0;
    const event = parseEvent(line);
    if (event === null) {
      if (line.trim() !== "") from.log(`(not an event) ${line.slice(0, 2_000)}`);
      return;
    }
    if (event.event === "heartbeat") return memory.heard(event.rss_bytes);
    const request = typeof event.id === "string" ? pending.get(event.id) : undefined;
    if (request === undefined) {
      from.log(`(of no request) ${line.slice(0, 2_000)}`);
    } else if (event.event === "progress") {
      try {
        request.onProgress?.(event);
      } catch (error) {
        request.reject(error);
        from.send({ id: event.id, op: "cancel" });
      }
    } else if (event.event === "ask") {
      const { id, ask } = event;
      (request.onAsk ?? nobodyAnswers)(event).then(
        (reply) => from.send({ ...reply, id, op: "reply", ask }),
        (error) => {
          request.reject(error);
          from.send({ id, op: "cancel" });
        },
      );
    } else if (event.event === "done") {
      request.resolve(event);
    } else if (event.event === "cancelled") {
      request.reject(interrupted(describe(request.operation)));
    } else if (event.event === "error") {
      request.reject(request.cancelled ? interrupted(describe(request.operation)) : failed(event));
    } else {
      from.log(`(unknown event) ${line.slice(0, 2_000)}`);
    }
  };

  const handleEnd = (ended: Child, end: ChildEnd) => {
    clearInterval(watchdog);
    child = null;
    for (const request of [...pending.values()]) {
      const what = describe(request.operation);
      if (request.cancelled || disposed) request.reject(interrupted(what));
      else request.reject(dying ?? crashed(what, ended, end, options, memory));
    }
  };

  /** Cancels in order, then by force; whoever waits is told by the end of the process. */
  const cancel = async (id: string, request: Pending): Promise<void> => {
    const target = child;
    if (target === null) return;
    request.cancelled = true;
    target.send({ id, op: "cancel" });
    for (const [grace, signal] of [
      [cancelGraceMs, "SIGTERM"],
      [stopGraceMs, "SIGKILL"],
    ] as const) {
      await sleep(grace, undefined, { ref: false });
      if (pending.get(id) !== request || child !== target) return;
      target.kill(signal);
    }
  };

  return {
    get pid() {
      return child?.pid ?? null;
    },

    async request(operation, fields, { signal, onProgress, onAsk } = {}) {
      const what = describe(operation);
      if (signal?.aborted) throw interrupted(what);
      // One that was told to die is waited for: two would share the memory of one.
      if (child !== null && dying !== null) await child.ended;
      if (disposed) throw new RedistillError("internal", `${what}: the worker is disposed.`, "");
      child ??= start();
      const id = `r${nextId++}`;
      let stopListening = () => {};
      try {
        return await new Promise<WorkerEvent>((resolve, reject) => {
          const request = { operation, onProgress, onAsk, cancelled: false, resolve, reject };
          pending.set(id, request);
          const onAbort = () => void cancel(id, request);
          signal?.addEventListener("abort", onAbort, { once: true });
          stopListening = () => signal?.removeEventListener("abort", onAbort);
          child?.send({ ...fields, id, op: operation });
        });
      } finally {
        stopListening();
        pending.delete(id);
      }
    },

    async dispose() {
      disposed = true;
      const target = child;
      if (target === null) return;
      target.closeInput();
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        const late = sleep(stopGraceMs, "late" as const, { ref: false });
        if ((await Promise.race([target.ended, late])) !== "late") return;
        target.kill(signal);
      }
      await target.ended;
    },
  };
}

function parseEvent(line: string): WorkerEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && typeof (value as WorkerEvent).event === "string"
      ? (value as WorkerEvent)
      : null;
  } catch {
    return null;
  }
}

const descriptions: Readonly<Record<Operation, string>> = {
  hello: "The greeting of the trainer's worker",
  train: "The training",
  answer: "The answering of prompts by the trainer's worker",
  tasks: "The making of tasks by the trainer's worker",
  score: "The scoring of answers by the trainer's worker",
  export: "The export of merged weights",
};

function describe(operation: Operation): string {
  return descriptions[operation] ?? operation;
}

function failed(event: WorkerEvent): TrainerFailure {
  const fault = isTrainerFault(String(event.kind)) ? String(event.kind) : "internal";
  const message = `The trainer's worker reports ${fault}: ${messageOf(event.message ?? "no details")}`;
  const hint = typeof event.hint === "string" && event.hint !== "" ? event.hint : "See its log.";
  return new TrainerFailure(isTrainerFault(fault) ? fault : "internal", message, hint);
}

async function nobodyAnswers(): Promise<never> {
  throw new RedistillError("internal", "The trainer's worker asks, and nobody can answer.", "");
}

function silence(milliseconds: number): TrainerFailure {
  return new TrainerFailure(
    "silent",
    `The trainer's worker gave no sign of life for ${Math.round(milliseconds / 1000)} s and was ended.`,
    "The machine may be overloaded or swapping: close other programs and run the command again.",
  );
}

function overflow(): TrainerFailure {
  return new TrainerFailure(
    "protocol",
    "The trainer's worker sent a line of more than 64 MB and was ended.",
    "Ask for fewer tasks at once.",
  );
}

function crashed(
  what: string,
  child: Child,
  end: ChildEnd,
  options: ChildOptions,
  memory: MemoryWatch,
): RedistillError {
  if (end.error !== null) {
    return new RedistillError(
      "setup",
      `Cannot start the trainer's Python ${options.python}: ${end.error.message}.`,
      "Its environment may have been moved or removed: run the command again, and it is made anew.",
      { cause: end.error },
    );
  }
  const how =
    end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
  const lines = child.tail.slice(-20).map((line) => `  ${line}`);
  const said = lines.length > 0 ? ` Its last lines:\n${lines.join("\n")}` : " It said nothing.";
  const ranOut = end.signal === "SIGKILL" && memory.ranOut();
  const hint = ranOut
    ? "The system ran out of memory: lower tokens per step or rank, or close other programs."
    : `Its whole log is ${options.logFile}. Run the command again; what was finished is kept.`;
  const fault = ranOut ? "out_of_memory" : "crashed";
  return new TrainerFailure(fault, `${what} failed: the trainer's worker ${how}.${said}`, hint);
}
