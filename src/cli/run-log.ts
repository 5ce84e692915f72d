import { join } from "node:path";
import type { Observe, Progress } from "../controller/progress.js";
import type { Clock } from "../core/clock.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { redact } from "../core/secrets.js";
import { RotatingLog } from "../files/rotating-log.js";

export const runLogName = "log.ndjson";

/** What the log keeps: 5 files of 5 MB. */
const limit = 5_000_000;
export const runLogFiles = 5;
/** Items and training steps are written at most this often, in milliseconds. */
const throttle = 15_000;

/** One line of the log: progress as watchers see it, or how the work ended. */
export type LogRecord = {
  readonly time: string;
  readonly level: "info" | "error";
  readonly run: string;
} & (Progress | { readonly kind: "ended"; readonly reason: string; readonly text: string });

export interface RunLog {
  readonly observe: Observe;
  /** Writes down why the work ended before the run did. */
  ended(error: unknown): void;
  close(): void;
}

/**
 * The structured log of a run, `log.ndjson` in its folder: one JSON object a line, set aside by size.
 *
 * @param onFailure Told once if it cannot be written.
 */
export function openRunLog(
  folder: string,
  run: string,
  clock: Clock,
  onFailure: (reason: string) => void,
): RunLog {
  const path = join(folder, runLogName);
  const log = new RotatingLog({ path, limit, files: runLogFiles, onFailure });
  const write = (record: object) => log.write(redact(JSON.stringify(record)));
  const head = () => ({ time: clock.now().toISOString(), run });
  let last = Number.NEGATIVE_INFINITY;
  return {
    observe: (progress) => {
      if (progress.kind === "items" || progress.kind === "training") {
        const now = clock.monotonic();
        if (now - last < throttle) return;
        last = now;
      }
      write({ ...head(), level: "info", ...progress });
    },
    ended: (error) => {
      const kind = error instanceof RedistillError ? error.kind : "internal";
      const wanted = kind === "paused" || kind === "interrupted";
      const level = wanted ? "info" : "error";
      const text = messageOf(error);
      write({ ...head(), level, kind: "ended", reason: kind, text });
    },
    close: () => log.close(),
  };
}
