import { hostname } from "node:os";
import type { Processes } from "../controller/lease.js";
import { isGone, markOf } from "../setup/lock.js";

/** This process and its neighbours on the machine, as leases see them. */
export function thisMachine(): Processes {
  const self = { host: hostname(), ...markOf(process.pid) };
  const isHere = ({ host }: { host: string }) => host === self.host;
  return {
    self,
    isGone: (owner) => isHere(owner) && isGone(owner),
    endWorker: (owner, worker) => {
      // Without a start mark the number might be another process's by now.
      if (!isHere(owner) || worker.started === null || isGone(worker)) return;
      try {
        process.kill(worker.pid, "SIGKILL");
      } catch {
        // Gone in the meantime.
      }
    },
  };
}
