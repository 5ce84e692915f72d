import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { isAlive, type ProcessMark, readOwner, startOf } from "./lock.js";

/** The process that holds a lock, if it is on this machine and surely the one that took it. */
export async function livingHolder(lockPath: string): Promise<ProcessMark | null> {
  const owner = await readOwner(lockPath);
  // The first is who took the lock; later ones are children that it adopted.
  const [holder] = owner?.processes ?? [];
  if (owner?.host !== hostname() || holder === undefined) return null;
  return isSameProcess(holder) ? holder : null;
}

/** Whether a process still runs: not another of its number, and not one that only waits to be reaped. */
export function isSameProcess({ pid, started }: ProcessMark): boolean {
  if (!isAlive(pid) || isZombie(pid)) return false;
  return started === null ? isOurProgram(pid) : startOf(pid) === started;
}

function isZombie(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text[text.lastIndexOf(")") + 2] === "Z";
  } catch {
    return false;
  }
}

/** Where start times cannot be read (macOS): its command line at least is that of a node program. */
function isOurProgram(pid: number): boolean {
  try {
    const command = execFileSync("ps", ["-o", "command=", "-p", `${pid}`], { encoding: "utf8" });
    return /redistill|cli\/main/.test(command);
  } catch {
    return false;
  }
}
