import { statSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "../setup/lock.js";
import type { RunRow } from "../store/runs.js";
import type { Workspace } from "./paths.js";

/** The lock's holder touches it every 5 seconds; older than this, in milliseconds, it is left over. */
const heartbeatLost = 120_000;

/** Whether the process that a running run belongs to still works on it. */
export function isWorkedOn(run: RunRow, workspace: Workspace): boolean {
  if (run.state !== "running" || run.ownerPid === null || !isAlive(run.ownerPid)) return false;
  try {
    // After a restart of the machine the number may be another process's.
    const lock = statSync(join(workspace.root, run.folder, "controller.lock"));
    return Date.now() - lock.mtimeMs < heartbeatLost;
  } catch {
    return true;
  }
}
