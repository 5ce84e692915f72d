import { join } from "node:path";
import type { Split, Task } from "../core/entities.js";
import { messageOf, PausedError, RedistillError } from "../core/errors.js";
import { OutsideHours } from "../schedule/index.js";
import type { TaskSets } from "../stages/types.js";
import { LeaseLostError } from "../store/leases.js";
import type { Store } from "../store/store.js";
import { announce } from "./announce.js";
import { commitAt } from "./commit.js";
import { asPause } from "./pause.js";
import type { Progress } from "./progress.js";
import { tick } from "./tick.js";
import { type RunContext, runOf } from "./unit.js";

/** How often the database hears what the run is at, in milliseconds. */
const persistEvery = 2_000;

/** What a run does, unit by unit. */
export interface Course {
  /** One unit of work; whether there is more to do. */
  next(context: RunContext): Promise<boolean>;
  hasBegun(context: RunContext): boolean;
  /** How many rounds it is going to have; 0 where it has none. */
  rounds(context: RunContext): number;
}

const rounds: Course = {
  next: tick,
  hasBegun: ({ store, runId }) => store.rounds.last(runId) !== null,
  rounds: (context) => runOf(context).recipe.rounds,
};

/**
 * Works on a run until it has finished or is told to stop. Whatever ends it early, the run stays
 * resumable and its row says why it ended.
 */
export async function workOn(context: RunContext, course: Course = rounds): Promise<void> {
  const { store, runId, signal } = context;
  if (runOf(context).state === "finished") return;
  const begun = course.hasBegun(context);
  const watched = { ...context, observe: alsoPersisting(context) };
  try {
    commitAt(store, "run:own", () => {
      store.runs.own(runId, process.pid);
      store.events.append(runId, null, begun ? "resumed" : "started", {});
    });
    context.observe({ kind: "run", runId, rounds: course.rounds(context), resumed: begun });
    while (await course.next(watched)) {
      signal.throwIfAborted();
      context.beside?.enough.throwIfAborted();
    }
  } catch (cause) {
    if (cause instanceof LeaseLostError) throw cause;
    if (signal.reason instanceof LeaseLostError) throw signal.reason;
    const error = asPause(store.explained(cause));
    if (error instanceof PausedError) {
      recordEnd(context, "paused", error);
      throw error;
    }
    const enough = context.beside?.enough;
    const stopped = signal.aborted || (enough?.aborted === true && cause === enough.reason);
    recordEnd(context, stopped ? "interrupted" : "failed", error);
    if (!stopped) throw error;
    throw new RedistillError(
      "interrupted",
      `run ${runId} was stopped; everything it paid for is kept`,
      `Go on with: redistill resume ${runId}`,
    );
  }
}

/** Writes down why a run ended early. If even that fails, as on a full disk, the first error counts. */
function recordEnd(
  context: RunContext,
  state: "interrupted" | "paused" | "failed",
  error: unknown,
): void {
  const { store, runId, observe } = context;
  const isStopped = state === "interrupted";
  const reason = isStopped ? "stopped by request" : messageOf(error);
  const cause = error instanceof PausedError ? error.reason : undefined;
  const hint = error instanceof RedistillError && !isStopped ? error.hint : undefined;
  const release = () => store.runs.release(runId, state, isStopped ? null : reason);
  const tell = (occasion: number) => {
    const run = runOf(context);
    if (state === "failed") announce(store, run, { event: state, occasion, error });
    if (error instanceof PausedError) {
      const returns = error instanceof OutsideHours && error.opens !== null;
      announce(store, run, { event: "paused", occasion, reason: error.reason, returns });
    }
  };
  try {
    try {
      commitAt(store, "run:end", () => {
        tell(store.events.append(runId, null, state, { reason, cause, hint }));
        release();
      });
    } catch (failure) {
      if (!(asPause(failure) instanceof PausedError)) throw failure;
      // A full database has no room for another event, but mostly for a change of the run's row.
      commitAt(store, "run:end", release);
    }
  } catch (failure) {
    observe({
      kind: "note",
      text: `could not write down that the run ${state}: ${messageOf(failure)}`,
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
