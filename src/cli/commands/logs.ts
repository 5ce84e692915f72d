import { join } from "node:path";
import { type Clock, systemClock } from "../../core/clock.js";
import { RedistillError } from "../../core/errors.js";
import { LineReader } from "../../files/line-reader.js";
import { oneLine } from "../../report/index.js";
import type { RunRow } from "../../store/runs.js";
import { describeProgress } from "../describe.js";
import { holderOf } from "../holder.js";
import type { Output } from "../output.js";
import { runFolderAt, type Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";
import { type LogRecord, runLogFiles, runLogName } from "../run-log.js";

interface LogsOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

/** How often a followed log is read, in milliseconds. */
const pollEvery = 250;

/** `redistill logs [run]`: what a run's log says; with `-f` also what is added, until its process ends. */
export function logsCommand(
  runId: string | undefined,
  flags: { follow?: boolean },
  options: LogsOptions,
): Promise<void> {
  return withStore(options.workspace, (store) => {
    const run = findRun(store, runId);
    const isHeld = () => flags.follow === true && holderOf(store, run) !== null;
    return showLog(run, isHeld, options);
  });
}

/** Shows a log, and what is added to it as long as its run is held. */
async function showLog(
  run: RunRow,
  isHeld: () => boolean,
  { workspace, output, signal, clock = systemClock }: LogsOptions,
): Promise<void> {
  const path = join(runFolderAt(workspace, run.folder), runLogName);
  const reader = new LineReader(path, runLogFiles);
  try {
    // Asked first: what is written until a process ends is read after it.
    let held = isHeld();
    let seen = show(reader.read(), output);
    while (held && !signal.aborted) {
      await clock.sleep(pollEvery, signal).catch(() => {});
      held = isHeld();
      seen += show(reader.read(), output);
    }
    if (seen > 0 || signal.aborted) return;
    throw new RedistillError(
      "state",
      `run ${run.id} has no log at ${path}`,
      "It begins with the next `redistill resume`.",
    );
  } finally {
    reader.close();
  }
}

/** Shows lines for people, or as they are with --json; how many there were. */
function show(lines: readonly string[], output: Output): number {
  for (const line of lines) {
    const record = parsed(line);
    if (record === null) {
      output.line(oneLine(line, 500));
      continue;
    }
    output.result(record);
    const text = record.kind === "ended" ? `Ended: ${record.text}` : describeProgress(record);
    if (text !== null) output.line(`${localTime(record.time)}  ${text}`);
  }
  return lines.length;
}

/** A line that a full disk or a kill broke off is none. */
function parsed(line: string): LogRecord | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** "2026-11-23 22:00:01" on this machine's clock. */
function localTime(time: string): string {
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}
