import { hostname } from "node:os";
import { RedistillError } from "../core/errors.js";
import { isGone } from "../setup/lock.js";
import type { LeaseOwner } from "../store/leases.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { findRun } from "./reading.js";

/** The process of this machine that works on a run, or waits for its window; null if there is none. */
export function holderOf(store: Store, run: RunRow): LeaseOwner | null {
  const lease = store.leases.find(run.id);
  const owner = lease?.owner;
  if (!owner || owner.host !== hostname() || isGone(owner)) return null;
  // Without a start mark the number might be another process's by now, were it not for a sign of life.
  return owner.started !== null || Date.now() - lease.beatAt <= lease.durationMs ? owner : null;
}

/** Whether somebody works on a running run, here or on another machine. */
export function isWorkedOn(store: Store, run: RunRow): boolean {
  const lease = store.leases.find(run.id);
  if (run.state !== "running" || !lease?.owner) return false;
  if (lease.owner.host === hostname() && isGone(lease.owner)) return false;
  return Date.now() - lease.beatAt <= lease.durationMs;
}

/**
 * A run and the process that has it; without an id the latest that a process has.
 *
 * @throws RedistillError `state` if there is none.
 */
export function heldRun(store: Store, id: string | undefined): { run: RunRow; holder: LeaseOwner } {
  const runs = id === undefined ? store.runs.all().reverse() : [findRun(store, id)];
  for (const run of runs) {
    const holder = holderOf(store, run);
    if (holder !== null) return { run, holder };
  }
  throw new RedistillError(
    "state",
    id === undefined ? "no run is being worked on here" : `run ${id} is not being worked on`,
    "`redistill status` lists the runs and their states.",
  );
}
