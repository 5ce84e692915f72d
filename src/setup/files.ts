import { mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { RedistillError } from "../core/errors.js";

/** The `code` of a Node system error, or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const reasons: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission was denied",
  EPERM: "permission was denied",
  EMFILE: "too many files are open",
};

/** A file system failure as the error that a user meets; anything else comes back as it was. */
export function storageError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  const reason = code === undefined ? undefined : reasons[code];
  if (reason === undefined) return error;
  return new RedistillError(
    "storage",
    `Cannot write ${path}: ${reason}.`,
    "Make room or fix the permissions there, or point REDISTILL_CACHE to another folder, and run the command again.",
    { cause: error },
  );
}

/** Creates a folder with its parents. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Flushes a file, gives it its final name, and flushes the folder that holds the name. */
export async function commitFile(temporary: string, path: string): Promise<void> {
  const file = await open(temporary, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

let written = 0;

/** Writes a small file beside, flushes it, and renames it into place; two at once don't meet. */
export async function writeFileAtomic(path: string, text: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${++written}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await commitFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageError(error, path);
  }
}

/** Throws unless the file system that holds `directory` (which exists) has room for `bytes` more. */
export async function requireFreeSpace(
  directory: string,
  bytes: number,
  what: string,
): Promise<void> {
  const stats = await statfs(directory);
  const free = stats.bavail * stats.bsize;
  if (free >= bytes) return;
  throw new RedistillError(
    "storage",
    `${what} needs ${formatBytes(bytes)} of disk, and ${directory} has ${formatBytes(free)} left.`,
    "Make room there, or set REDISTILL_CACHE to a folder on a larger disk, and run the command again.",
  );
}

/** "98.4 MB": decimal units, as disks and downloads are labelled. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** "00:41", "1:02:03". */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
