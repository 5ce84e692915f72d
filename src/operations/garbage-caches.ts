import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../core/hash.js";
import { holderOf } from "../setup/lock.js";
import { bytesAt } from "./files.js";
import type { Garbage } from "./garbage.js";

/** Another version of redistill may still use its environment: it must be so old, in milliseconds. */
const oldEnough = 30 * 86_400_000;

/**
 * What the cache folder keeps for nobody: remembered hashes of files that are gone, and trainers'
 * environments of another list of packages than this program's, made more than 30 days ago. Weights
 * are never touched.
 */
export async function cacheGarbage(
  cache: string,
  trainerDirectory: string,
  now: Date,
): Promise<Garbage[]> {
  return [
    ...(await staleStamps(join(cache, "stamps"))),
    ...(await foreignEnvironments(join(cache, "trainer"), trainerDirectory, now)),
  ];
}

async function staleStamps(folder: string): Promise<Garbage[]> {
  const stale: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    try {
      const stamp = JSON.parse(await readFile(path, "utf8"));
      if (typeof stamp.path === "string" && !existsSync(stamp.path)) stale.push(path);
    } catch {
      // Being written, or none of ours.
    }
  }
  if (stale.length === 0) return [];
  let bytes = 0;
  for (const path of stale) bytes += await bytesAt(path);
  const take = async () => {
    for (const path of stale) await rm(path, { force: true });
    return true;
  };
  const why = "remembered hashes of files that are no longer there";
  return [{ kind: "stamps", what: `${stale.length} in ${folder}`, why, bytes, take }];
}

async function foreignEnvironments(
  folder: string,
  trainerDirectory: string,
  now: Date,
): Promise<Garbage[]> {
  const list = await readFile(join(trainerDirectory, "requirements.lock"), "utf8").catch(
    () => null,
  );
  if (list === null) return [];
  const found: Garbage[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    const marker = join(path, "ready.json");
    if (!entry.isDirectory() || !existsSync(marker)) continue;
    const age = now.getTime() - (await stat(marker)).mtimeMs;
    const ready = await readFile(marker, "utf8").then(JSON.parse, () => null);
    if (ready === null || ready.lock === sha256(list) || age < oldEnough) continue;
    const held = async () => (await holderOf(`${path}.lock`)) !== null;
    if (await held()) continue;
    found.push({
      kind: "environment",
      what: path,
      why: "Python packages of another version's trainer; that version would make them again",
      bytes: await bytesAt(path),
      take: async () => {
        if (await held()) return false;
        // First what says that it is whole: half of an environment is then no environment.
        await rm(marker, { force: true });
        await rm(path, { recursive: true, force: true });
        return true;
      },
    });
  }
  return found;
}
