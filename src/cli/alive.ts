import { hostname } from "node:os";
import { isGone } from "../setup/lock.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** Whether the process that a running run belongs to still works on it. */
export function isWorkedOn(run: RunRow, store: Store): boolean {
  const lease = store.leases.find(run.id);
  if (run.state !== "running" || !lease?.owner) return false;
  if (lease.owner.host === hostname() && isGone(lease.owner)) return false;
  return Date.now() - lease.beatAt <= lease.durationMs;
}
