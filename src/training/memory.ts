import { readFileSync } from "node:fs";
import { totalmem } from "node:os";

/** A process that used this share of the memory shortly before was probably killed for it. */
const nearLimit = 0.5;

/**
 * Looks at what a worker uses, to tell after a SIGKILL whether the system ran out of memory: the
 * kernel's count of such kills has risen, or the worker was near the limit when it last said so.
 */
export class MemoryWatch {
  private readonly killsBefore = outOfMemoryKills();
  private used = 0;

  /** Hears of the worker's memory in bytes, from its heartbeat. */
  heard(bytes: unknown): void {
    if (typeof bytes === "number") this.used = bytes;
  }

  ranOut(): boolean {
    const kills = outOfMemoryKills();
    const counted = kills !== null && this.killsBefore !== null && kills > this.killsBefore;
    return counted || this.used > nearLimit * memoryLimit();
  }
}

/** Bytes that this machine, or the container around us, has. */
function memoryLimit(): number {
  // 0 or an absurdly large number where nothing is set.
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** How many processes Linux has killed for want of memory since it started; null elsewhere. */
function outOfMemoryKills(): number | null {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8"));
    return found ? Number(found[1]) : null;
  } catch {
    return null;
  }
}
