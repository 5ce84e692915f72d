import { RedistillError } from "../../core/errors.js";
import type { LeaseOwner } from "../../store/leases.js";
import type { RunRow } from "../../store/runs.js";
import { Store } from "../../store/store.js";
import { holderOf } from "../holder.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";

interface PauseOptions {
  readonly workspace: Workspace;
  readonly output: Output;
}

/**
 * `redistill pause [run]`: the run ends its stage and is then left paused. The request is a row, so
 * that it also holds for a process that starts later, until `resume` takes it back.
 */
export async function pauseCommand(
  runId: string | undefined,
  { workspace, output }: PauseOptions,
): Promise<void> {
  const run = await withStore(workspace, (store) =>
    findRun(store, runId, {
      what: "unfinished run",
      admits: ({ state }) => state !== "finished",
    }),
  );
  if (run.state === "finished") {
    throw new RedistillError(
      "state",
      `run ${run.id} has finished`,
      "`redistill status` lists the runs; an unfinished one can be paused.",
    );
  }
  const store = Store.open(workspace.database, migrationsDirectory);
  let holder: LeaseOwner | null;
  try {
    store.transaction(() => store.requests.pause(run.id));
    holder = holderOf(store, run);
  } finally {
    store.close();
  }
  output.result({ kind: "pause", run: run.id, process: holder?.pid ?? null });
  output.line(
    holder === null
      ? `Run ${run.id} is not being worked on; it stays paused when \`redistill run\` finds it.`
      : `Run ${run.id} is paused when its stage ends (process ${holder.pid}).`,
  );
  output.line(`Go on with: redistill resume ${run.id}`);
}

/**
 * Takes back what was asked for, also of a run that another process works on: no write of a
 * controller.
 *
 * @returns whether a pause had been asked for.
 */
export function takeBackPause(store: Store, run: RunRow): boolean {
  return store.transaction(() => store.requests.takeBack(run.id));
}
