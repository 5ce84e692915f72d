import { join } from "node:path";
import type { Split, Task } from "../core/entities.js";
import { messageOf, PausedError, RedistillError } from "../core/errors.js";
import type { TaskSets } from "../stages/types.js";
import { LeaseLostError } from "../store/leases.js";
import type { Store } from "../store/store.js";
import { commitAt } from "./commit.js";
import { asPause } from "./pause.js";
import type { Progress } from "./progress.js";
import { type RunContext, runOf, tick } from "./tick.js";

/** How often the database hears what the run is at, in milliseconds. */
const persistEvery = 2_000;

/**
 * Works on a run until it has finished or is told to stop. Whatever ends it early, the run stays
 * resumable and its row says why it ended.
 */
export async function workOn(context: RunContext): Promise<void> {
  const { store, runId, signal } = context;
  if (runOf(context).state === "finished") return;
  const begun = store.rounds.last(runId) !== null;
  const { rounds } = runOf(context).recipe;
  const watched = { ...context, observe: alsoPersisting(context) };
  try {
    commitAt(store, "run:own", () => {
      store.runs.own(runId, process.pid);
      store.events.append(runId, null, begun ? "resumed" : "started", {});
    });
    context.observe({ kind: "run", runId, rounds, resumed: begun });
    while (await tick(watched)) signal.throwIfAborted();
  } catch (cause) {
    if (cause instanceof LeaseLostError) throw cause;
    if (signal.reason instanceof LeaseLostError) throw signal.reason;
    const error = asPause(store.explained(cause));
    if (error instanceof PausedError) {
      const { message, reason, hint } = error;
      recordEnd(context, "paused", message, { cause: reason, hint });
      throw error;
    }
    const stopped = signal.aborted;
    if (stopped) recordEnd(context, "interrupted", "stopped by request");
    else {
      const hint = error instanceof RedistillError ? error.hint : undefined;
      recordEnd(context, "failed", messageOf(error), { hint });
      throw error;
    }
    throw new RedistillError(
      "interrupted",
      `run ${runId} was stopped; everything it paid for is kept`,
      `Go on with: redistill resume ${runId}`,
    );
  }
}

/** Writes down why a run ended early. If even that fails, as on a full disk, the first error counts. */
function recordEnd(
  { store, runId, observe }: RunContext,
  state: "interrupted" | "paused" | "failed",
  reason: string,
  more: { readonly cause?: string; readonly hint?: string | undefined } = {},
): void {
  const release = () => store.runs.release(runId, state, state === "interrupted" ? null : reason);
  try {
    try {
      commitAt(store, "run:end", () => {
        store.events.append(runId, null, state, { reason, ...more });
        release();
      });
    } catch (error) {
      if (!(asPause(error) instanceof PausedError)) throw error;
      // A full database has no room for another event, but mostly for a change of the run's row.
      commitAt(store, "run:end", release);
    }
  } catch (error) {
    observe({
      kind: "note",
      text: `could not write down that the run ${state}: ${messageOf(error)}`,
    });
  }
}

/** Passes progress on, and now and then writes it down for `redistill status`. */
function alsoPersisting({ store, runId, observe }: RunContext): RunContext["observe"] {
  let last = 0;
  return (progress: Progress) => {
    observe(progress);
    if (progress.kind !== "items" && progress.kind !== "training" && progress.kind !== "stage")
      return;
    if (progress.kind !== "stage" && performance.now() - last < persistEvery) return;
    last = performance.now();
    commitAt(store, "progress", () => store.runs.setProgress(runId, { ...progress }));
  };
}

/** The tasks of a run, from its rows: they were frozen when it began. */
export function frozenTasks(store: Store, runId: string): TaskSets {
  return tasksBySplit(splits.flatMap((split) => store.tasks.ofSplit(runId, split)));
}

const splits = ["train", "replay", "gate", "sealed", "retention"] as const;

/** Tasks under their use. */
export function tasksBySplit(tasks: readonly Task[]): TaskSets {
  const of = (split: Split) => tasks.filter((task) => task.split === split);
  return {
    train: of("train"),
    replay: of("replay"),
    gate: of("gate"),
    sealed: of("sealed"),
    retention: of("retention"),
  };
}

/** Where a run keeps its report and logs, relative to the workspace. */
export function runFolder(runId: string): string {
  return join("runs", runId);
}
