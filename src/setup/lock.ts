import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, storageError } from "./files.js";

/** One process, told apart from a later one with the same number by its start time. */
export interface ProcessMark {
  readonly pid: number;
  readonly started: string | null;
}

export interface Owner {
  readonly host: string;
  readonly token: string;
  readonly processes: readonly ProcessMark[];
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock, with its pid. */
  onWait?(pid: number): void;
}

export interface HeldLock {
  /** Also counts the lock as held while this child lives, even if we are killed before it. */
  adopt(pid: number): Promise<void>;
}

const heartbeatMs = 5_000;
const foreignHostStaleMs = 120_000;
const mine = new Set<string>();

/**
 * Runs `use` while holding a lock file, so that two processes never build or download the same
 * thing at once. The lock of a process that died is taken over.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  use: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const token = randomUUID();
  let owner: Owner = { host: hostname(), token, processes: [markOf(process.pid)] };
  await acquire(path, owner, options);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  heartbeat.unref();
  try {
    return await use({
      async adopt(pid) {
        owner = { ...owner, processes: [markOf(process.pid), markOf(pid)] };
        const beside = `${path}.${token}`;
        await writeFile(beside, JSON.stringify(owner));
        await rename(beside, path);
      },
    });
  } finally {
    clearInterval(heartbeat);
    if ((await readOwner(path))?.token === token) await rm(path, { force: true });
    mine.delete(token);
  }
}

/** The process that holds a lock file now; null where nobody does. */
export async function holderOf(path: string): Promise<number | null> {
  const owner = await readOwner(path);
  if (owner === null || !(await isHeld(path, owner))) return null;
  return (owner.processes.find(({ pid }) => isAlive(pid)) ?? owner.processes[0])?.pid ?? 0;
}

async function acquire(path: string, owner: Owner, options: LockOptions): Promise<void> {
  const beside = `${path}.${owner.token}`;
  let told = false;
  mine.add(owner.token);
  try {
    await writeFile(beside, JSON.stringify(owner));
    for (;;) {
      options.signal?.throwIfAborted();
      try {
        // A hard link appears with its content, or not at all.
        await link(beside, path);
        return;
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      const holder = await readOwner(path);
      if (holder === null || !(await isHeld(path, holder))) {
        await takeAway(path, holder);
        continue;
      }
      if (!told) {
        const living = holder.processes.find(({ pid }) => isAlive(pid));
        options.onWait?.((living ?? holder.processes[0])?.pid ?? 0);
      }
      told = true;
      await sleep(250, undefined, options.signal ? { signal: options.signal } : {});
    }
  } catch (error) {
    mine.delete(owner.token);
    throw storageError(error, path);
  } finally {
    await rm(beside, { force: true });
  }
}

/** Removes a stale lock; if another process replaced it in the meantime, puts that one back. */
async function takeAway(path: string, stale: Owner | null): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const taken = await readOwner(aside);
  if (taken !== null && taken.token !== stale?.token) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

/** Who wrote a lock file; null if it is not there or cannot be read. */
export async function readOwner(path: string): Promise<Owner | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    const owner = value as Partial<Owner> | null;
    return Array.isArray(owner?.processes) && typeof owner.token === "string"
      ? (owner as Owner)
      : null;
  } catch {
    return null;
  }
}

async function isHeld(path: string, owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) {
    // Another machine or container: its processes cannot be seen, only its heartbeat.
    const seen = await stat(path).catch(() => null);
    return seen !== null && Date.now() - seen.mtimeMs < foreignHostStaleMs;
  }
  return owner.processes.some((mark) => {
    if (mark.pid === process.pid) return mine.has(owner.token);
    return !isGone(mark);
  });
}

/** Whether a process of this machine has provably ended, its number perhaps given to another. */
export function isGone({ pid, started }: ProcessMark): boolean {
  if (!isAlive(pid)) return true;
  const now = statOf(pid)?.started ?? null;
  return started !== null && now !== null && now !== started;
}

/** Whether a process of this number runs, also one that is not ours to signal. */
export function isAlive(pid: number): boolean {
  // What nobody waited for keeps its number, but runs no more.
  if (statOf(pid)?.state === "Z") return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** A running process, so that it is told apart from a later one of its number. */
export function markOf(pid: number): ProcessMark {
  return { pid, started: statOf(pid)?.started ?? null };
}

/** On Linux the state of a process and when it started; null where it cannot be read cheaply. */
function statOf(pid: number): { state: string; started: string | null } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold spaces; fields are counted after its closing parenthesis.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", started: fields[19] ?? null };
  } catch {
    return null;
  }
}
