import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { hashFile } from "../setup/digest.js";
import { codeOf, formatBytes } from "../setup/files.js";

/** Locks, temporary files, numbers of processes: true of this moment only. */
const passing = /(\.lock(\..*)?|\.tmp|\.pid|^\..*\.old)$/;

/**
 * The regular files below a folder, sorted, relative to it; none where there is no such folder.
 * Links are left out, since they could lead anywhere, and so are locks and temporary files.
 */
export async function filesBelow(
  folder: string,
  leaveOut: readonly string[] = [],
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const found: string[] = [];
  for (const entry of entries) {
    if (passing.test(entry.name) || leaveOut.includes(entry.name)) continue;
    if (entry.isFile()) found.push(entry.name);
    if (!entry.isDirectory()) continue;
    const below = await filesBelow(join(folder, entry.name), leaveOut);
    found.push(...below.map((path) => join(entry.name, path)));
  }
  return found.sort();
}

/** Bytes of a file, or of all files below a folder; 0 where there is nothing. */
export async function bytesAt(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return 0;
  if (!stats.isDirectory()) return stats.size;
  let sum = 0;
  for (const name of await readdir(path).catch(() => [])) sum += await bytesAt(join(path, name));
  return sum;
}

/** Whether `path` lies in `folder` or is it. */
export function isWithin(folder: string, path: string): boolean {
  const from = relative(folder, path);
  return from !== ".." && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

export interface FileHash {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Copies a file under its final name only when the copy was flushed and read back. A copy that an
 * earlier try left is kept if it is the same.
 *
 * @throws RedistillError `storage` when it cannot be read or written, or reads back as another.
 */
export async function copyHashed(from: string, to: string, signal: AbortSignal): Promise<FileHash> {
  try {
    const earlier = await lstat(to).catch(() => null);
    if (earlier?.isFile() && earlier.size === (await lstat(from)).size) {
      const sha256 = await hashFile(from, signal);
      if (sha256 === (await hashFile(to, signal))) return { sha256, bytes: earlier.size };
    }
    await mkdir(dirname(to), { recursive: true });
    const beside = `${to}.${process.pid}.tmp`;
    try {
      const written = await copyInto(from, beside, signal);
      if ((await hashFile(beside, signal)) !== written.sha256) {
        throw new RedistillError(
          "storage",
          `${to} does not read back as it was written`,
          "Check the disk; the original was not touched.",
        );
      }
      await rename(beside, to);
      return written;
    } finally {
      await rm(beside, { force: true });
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof RedistillError) throw cause;
    throw new RedistillError(
      "storage",
      `cannot copy ${from} to ${to}: ${messageOf(cause)}`,
      "Check that the file is there and that the disk has room, then run the command again.",
      { cause },
    );
  }
}

async function copyInto(from: string, to: string, signal: AbortSignal): Promise<FileHash> {
  const hash = createHash("sha256");
  let bytes = 0;
  const file = await open(to, "w");
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20, signal })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      await file.writeFile(chunk as Buffer);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** Flushes a folder's entries, and those of all folders below it. */
export async function flushFolders(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await flushFolders(join(folder, entry.name));
  }
  await flushFolder(folder);
}

/** Flushes the names that a folder holds. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws unless the disk under an existing folder has room for `bytes` more. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new RedistillError(
    "storage",
    `${formatBytes(bytes)} are needed, and the disk of ${folder} has ${formatBytes(bavail * bsize)} left`,
    "Make room, or name a folder on another disk. Nothing was changed.",
  );
}

/** A name for now that sorts by time and suits every file system: 2026-11-23T21-16-30. */
export function timeName(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll(":", "-");
}
