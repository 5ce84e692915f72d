import { type Clock, systemClock } from "../core/clock.js";
import type { Candidate } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import type { Remember, RoleModels, Train, Verify } from "../core/ports.js";
import type { Prompt } from "../core/prompt.js";
import type { AdapterRow } from "../core/round.js";
import { Hours } from "../schedule/index.js";
import type { StagePrompts, TaskSets } from "../stages/types.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { admit } from "./admission.js";
import type { Beside } from "./calls-under-way.js";
import type { CoachParts } from "./coach/types.js";
import { Ledger } from "./ledger.js";
import type { Embedding } from "./memory/closeness.js";
import type { Observe } from "./progress.js";

/** Everything that a run is made of; the command line wires it together. */
export interface RunContext {
  readonly store: Store;
  readonly runId: string;
  readonly tasks: TaskSets;
  readonly prompts: StagePrompts;
  /** The run's critique prompts by name, as they are now: the recipe's, those that a plan may take, and those that a coach wrote. */
  critiques(): ReadonlyMap<string, Prompt>;
  /** null where the recipe's policy is no coach. */
  readonly coach: CoachParts | null;
  readonly models: RoleModels;
  /** What makes the vectors that lessons are found by, where the recipe wants any. */
  readonly embedding?: Embedding;
  readonly train: Train;
  readonly remember: Remember;
  readonly verify: Verify;
  /** Folder that adapters' paths are relative to. */
  readonly workspace: string;
  /** Looks at an adapter's files before it is used: their sha256 names it in every cached call. */
  openAdapter(row: AdapterRow): Promise<Candidate>;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** This machine's, unless a test has its own. */
  readonly clock?: Clock;
  /** When the run may work; by default as its recipe says. */
  readonly hours?: Hours;
  /** What it shares with runs that this process works on at the same time. */
  readonly beside?: Beside;
}

/**
 * One unit of a run's work, if the run has not finished: in its hours, within its budgets, and what it spent is
 * written down whatever ends it.
 *
 * @returns whether the run has more to do.
 */
export async function oneUnit(
  context: RunContext,
  work: (run: RunRow, ledger: Ledger) => Promise<boolean>,
): Promise<boolean> {
  const run = runOf(context);
  if (run.state === "finished") return false;
  const { store, models } = context;
  admit({ ...context, hours: hoursOf(context, run) });
  const ledger = new Ledger({ store, run, clock: clockOf(context), models });
  try {
    ledger.require();
    return await work(run, ledger);
  } catch (error) {
    ledger.commitAtLast();
    throw error;
  }
}

export function clockOf({ clock = systemClock }: RunContext): Clock {
  return clock;
}

/** When a run may work. */
export function hoursOf(context: RunContext, { recipe }: RunRow): Hours {
  return context.hours ?? new Hours(recipe.schedule, null, clockOf(context));
}

export function runOf({ store, runId }: Pick<RunContext, "store" | "runId">): RunRow {
  const run = store.runs.find(runId);
  if (run) return run;
  throw new RedistillError("usage", `no run ${runId}`, "`redistill status` lists the runs.");
}
