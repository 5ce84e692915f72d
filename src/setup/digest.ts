import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../core/hash.js";
import { makeDirectory, writeFileAtomic } from "./files.js";

/** Everything about a file that changes when its content does. */
interface Stamp {
  readonly size: string;
  readonly mtime: string;
  readonly ctime: string;
  readonly inode: string;
}

/** Lower-case hexadecimal sha256 of a file, read as a stream. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const options = { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) };
  for await (const chunk of createReadStream(path, options)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/**
 * The sha256 of a file that rarely changes. It is remembered in the cache with the file's size
 * and times, so that large weights are read again only after something touched them.
 */
export async function digestOf(
  path: string,
  cache: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; bytes: number }> {
  const real = await realpath(path);
  const stampPath = join(cache, "stamps", `${sha256(real).slice(0, 32)}.json`);
  const before = await stampOf(real);
  const known = await readStamp(stampPath);
  if (known && sameStamp(known, before)) {
    return { sha256: known.sha256, bytes: Number(before.size) };
  }
  const digest = await hashFile(real, signal);
  // A file that changed while it was read gets no stamp.
  if (sameStamp(await stampOf(real), before)) {
    await makeDirectory(join(cache, "stamps"));
    await writeFileAtomic(stampPath, JSON.stringify({ path: real, ...before, sha256: digest }));
  }
  return { sha256: digest, bytes: Number(before.size) };
}

async function stampOf(path: string): Promise<Stamp> {
  const stats = await stat(path, { bigint: true });
  return {
    size: String(stats.size),
    mtime: String(stats.mtimeNs),
    ctime: String(stats.ctimeNs),
    inode: String(stats.ino),
  };
}

function sameStamp(a: Stamp, b: Stamp): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.inode === b.inode;
}

async function readStamp(path: string): Promise<(Stamp & { sha256: string }) | null> {
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as Stamp & { sha256: string };
    return /^[0-9a-f]{64}$/.test(value.sha256) ? value : null;
  } catch {
    return null;
  }
}
