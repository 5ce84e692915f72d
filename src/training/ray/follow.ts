import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerEvent } from "../event.js";
import { type Patience, patiently, RayAway } from "./away.js";
import type { RayJob, RayJobs } from "./jobs-api.js";
import { JobLog } from "./log.js";

export interface Following {
  readonly jobs: RayJobs;
  readonly patience: Patience;
  /** Between two looks at a job's state, in milliseconds. */
  readonly pollMs: number;
  /** Looks at a running job without a new line in its log, after which it counts as stuck. */
  readonly silentPolls: number;
  onEvent(event: WorkerEvent): void;
}

/** How a job ended. `gone`: the cluster knows it no more, as after a restart of its head. */
export type Outcome =
  | { readonly kind: "gone" | "silent" }
  | {
      readonly kind: "ended";
      readonly job: RayJob;
      readonly closed: WorkerEvent | null;
      readonly tail: readonly string[];
    };

export function hasEnded({ status }: RayJob): boolean {
  return status !== "PENDING" && status !== "RUNNING";
}

/**
 * Follows a job to its end: its log over a WebSocket, its state by polls. Where the log cannot be
 * streamed it is read whole at each poll.
 *
 * @throws whatever `onEvent` throws, and PausedError when the head stays away.
 */
export async function follow(id: string, options: Following): Promise<Outcome> {
  const { jobs, patience, pollMs, silentPolls, onEvent } = options;
  const { signal } = patience;
  const log = new JobLog(onEvent);
  const readAll = async (isWhole: boolean) => {
    try {
      const text = await jobs.logs(id, signal);
      // A line that is still being written is left for the next time.
      log.reader()(isWhole ? `${text}\n` : text);
    } catch (error) {
      // A lost node took its log along; the job's state says so.
      if (!(error instanceof RayAway)) throw error;
    }
  };
  let tail = jobs.tail(id, log.reader());
  let quiet = 0;
  let lines = 0;
  try {
    for (;;) {
      const job = await patiently(() => jobs.find(id, signal), patience);
      if (job === null) return { kind: "gone" };
      const isOver = hasEnded(job);
      if (isOver || !tail.isOpen) await readAll(isOver);
      if (log.failure !== null) throw log.failure.error;
      if (isOver) return { kind: "ended", job, closed: log.closed, tail: log.tail };
      if (!tail.isOpen) tail = jobs.tail(id, log.reader());
      // Looks are counted rather than a clock read: a suspended laptop must not make a job look stuck.
      quiet = job.status === "RUNNING" && log.lines === lines ? quiet + 1 : 0;
      lines = log.lines;
      if (quiet >= silentPolls) return { kind: "silent" };
      await sleep(log.closed === null ? pollMs : Math.min(pollMs, 500), undefined, { signal });
    }
  } finally {
    tail.close();
  }
}
