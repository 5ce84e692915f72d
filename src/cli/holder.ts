import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import type { ProcessMark } from "../setup/lock.js";
import { livingHolder } from "../setup/lock-holder.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Workspace } from "./paths.js";
import { findRun } from "./reading.js";

/** The process that works on a run, or waits for its window; null if none on this machine does. */
export function holderOf(run: RunRow, { root }: Workspace): Promise<ProcessMark | null> {
  return livingHolder(join(root, run.folder, "controller.lock"));
}

/**
 * A run and the process that has it; without an id the latest that a process has.
 *
 * @throws RedistillError `state` if there is none.
 */
export async function heldRun(
  store: Store,
  id: string | undefined,
  workspace: Workspace,
): Promise<{ run: RunRow; holder: ProcessMark }> {
  const runs = id === undefined ? store.runs.all().reverse() : [findRun(store, id)];
  for (const run of runs) {
    const holder = await holderOf(run, workspace);
    if (holder !== null) return { run, holder };
  }
  throw new RedistillError(
    "state",
    id === undefined ? "no run is being worked on here" : `run ${id} is not being worked on`,
    "`redistill status` lists the runs and their states.",
  );
}
