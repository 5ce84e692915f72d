import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { withLock } from "../setup/lock.js";

/** Where the runs of a workspace live. */
export interface WorkspacePaths {
  readonly root: string;
  readonly database: string;
  readonly adapters: string;
}

/** What every operation is told. */
export interface OperationOptions {
  /** Schema migrations of this program. */
  readonly migrations: string;
  readonly signal: AbortSignal;
  /** A line that the next one replaces. */
  onProgress(text: string): void;
}

/** Where a restore keeps what it is about to put in place. */
export const stagingOf = (root: string) => join(root, ".redistill-restore");
/** Written when everything was verified: from then on a restore is finished, not begun again. */
export const planOf = (root: string) => join(stagingOf(root), "plan.json");

/** Runs one operation on a workspace's files; a second one is refused meanwhile. */
export async function operateAlone<T>(
  { root }: WorkspacePaths,
  signal: AbortSignal,
  use: () => Promise<T>,
): Promise<T> {
  await mkdir(join(root, "memory"), { recursive: true });
  const path = join(root, "memory", "operations.lock");
  const onWait = (pid: number) => {
    throw new RedistillError(
      "state",
      `process ${pid} is copying, restoring or clearing up this workspace`,
      "Wait for it to end, then run the command again.",
    );
  };
  return withLock(path, { signal, onWait }, use);
}

/** Refuses a workspace in which a restore was cut off between the old files and the new ones. */
export function refuseHalfRestored(root: string): void {
  if (!existsSync(planOf(root))) return;
  throw new RedistillError(
    "state",
    `a restore into ${root} was interrupted while it put the files in place`,
    "Run the same `redistill restore <folder>` again: it finishes what was begun.",
  );
}
