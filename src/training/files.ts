import { cp, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";

/** Where something is written before it is renamed to its place: no other process's, on any machine. */
export function besideOf(path: string): string {
  return `${path}.${hostname()}.${process.pid}.tmp`;
}

/** Writes a file beside, flushes it, renames it into place and flushes the folder. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const beside = besideOf(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(beside, "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw new RedistillError(
      "storage",
      `Cannot write ${path}: ${messageOf(error)}.`,
      "Make room or fix the permissions there, then run the command again.",
      { cause: error },
    );
  }
}

/**
 * Copies a folder beside its new place, flushes every file and renames it; one that is there is
 * replaced. Throws the file system's errors.
 */
export async function copyFolderDurably(
  from: string,
  to: string,
  filter: (path: string) => boolean = () => true,
): Promise<void> {
  const beside = besideOf(to);
  await rm(beside, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true });
  await cp(from, beside, { recursive: true, filter });
  for (const entry of await readdir(beside, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await rm(to, { recursive: true, force: true });
  await rename(beside, to);
  await syncFolder(dirname(to));
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
