import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files below a folder; what cannot be read counts nothing. */
export async function sizeOfTree(folder: string): Promise<number> {
  let sum = 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += await sizeOfTree(path);
    else if (entry.isFile()) {
      sum += await lstat(path).then(
        (stats) => stats.size,
        () => 0,
      );
    }
  }
  return sum;
}

/**
 * A function that tells how many bytes an installation has put on disk. uv collects wheels in
 * `.tmp*` folders of its cache and links them into the environment at the end; each is counted at
 * the size that it was last seen with, for the cache as a whole may be far too large to walk.
 */
export async function watchGrowth(
  folders: readonly string[],
  uvCache: string | null,
): Promise<() => Promise<number>> {
  const temporary = async () => {
    const names = uvCache === null ? [] : await readdir(uvCache).catch(() => []);
    return names.filter((name) => name.startsWith(".tmp"));
  };
  const strangers = new Set(await temporary());
  const seen = new Map<string, number>();
  return async () => {
    for (const name of await temporary()) {
      if (!strangers.has(name)) seen.set(name, await sizeOfTree(join(uvCache!, name)));
    }
    const fetched = [...seen.values()].reduce((sum, size) => sum + size, 0);
    let installed = 0;
    for (const folder of folders) installed += await sizeOfTree(folder);
    return Math.max(fetched, installed);
  };
}
