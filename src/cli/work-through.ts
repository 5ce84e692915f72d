import type { Observe } from "../controller/progress.js";
import { systemClock } from "../core/clock.js";
import { Hours } from "../schedule/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { throughHours } from "./hours.js";
import type { Output } from "./output.js";
import { runFolderAt, type Workspace } from "./paths.js";
import { openRunLog } from "./run-log.js";
import { supervised } from "./supervised.js";

/** How `run` and `resume` are to work. */
export interface WorkFlags {
  /** "07:00": the run is left paused at that time. */
  readonly until?: string | undefined;
  /** Set by `--detach` for the process that it starts: where that one's output goes. */
  readonly detachedLog?: string | undefined;
}

interface WorkOptions extends WorkFlags {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Closes what is open, before a wait. */
  release(): Promise<void>;
}

/** What a run is worked on with, beside its machine. */
export interface Watch {
  readonly observe: Observe;
  readonly hours: Hours;
  readonly clock: typeof systemClock;
}

/** Works on a run that is held: in its hours, logged, findable by `stop`. */
export async function workThrough(
  store: Store,
  run: RunRow,
  { workspace, output, signal, until, detachedLog, release }: WorkOptions,
  work: (watch: Watch) => Promise<void>,
): Promise<void> {
  const folder = runFolderAt(workspace, run.folder);
  const clock = systemClock;
  const hours = new Hours(run.recipe.schedule, until ?? null, clock);
  const log = openRunLog(folder, run.id, clock, (reason) =>
    output.note(`The log cannot be written; the run goes on without it. ${reason}`),
  );
  const observe: Observe = (progress) => {
    log.observe(progress);
    output.progress(progress);
  };
  const waiting = { store, runId: run.id, hours, clock, signal, observe, release };
  try {
    await supervised({ folder, runId: run.id, root: workspace.root, detachedLog, output }, () =>
      throughHours(waiting, () => work({ observe, hours, clock })),
    );
  } catch (error) {
    log.ended(error);
    throw error;
  } finally {
    log.close();
  }
}
