import { type Clock, systemClock } from "../../core/clock.js";
import { isGone } from "../../setup/lock.js";
import { heldRun } from "../holder.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";

interface StopOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

/** How often it is looked whether the process has gone, in milliseconds. */
const pollEvery = 100;

/** `redistill stop [run]`: asks the process that works on a run to stop, and waits until it has. */
export async function stopCommand(
  runId: string | undefined,
  { workspace, output, signal, clock = systemClock }: StopOptions,
): Promise<void> {
  const { run, holder } = await withStore(workspace, (store) => heldRun(store, runId));
  process.kill(holder.pid, "SIGTERM");
  output.note(`Stopping run ${run.id} (process ${holder.pid}); what is finished is kept.`);
  while (!isGone(holder)) await clock.sleep(pollEvery, signal);
  const { state } = await withStore(workspace, (store) => findRun(store, run.id));
  output.result({ kind: "stopped", run: run.id, state });
  output.line(`Run ${run.id} has stopped: ${state}.`);
  if (state !== "finished") output.line(`Go on with: redistill resume ${run.id}`);
}
