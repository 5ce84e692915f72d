import { existsSync } from "node:fs";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { isAlive } from "../setup/lock.js";
import { markerName } from "./backup.js";
import { bytesAt } from "./files.js";
import type { Garbage } from "./garbage.js";
import { planOf, stagingOf, type WorkspacePaths } from "./workspace.js";

/** A file written beside its final name by a process of that number. */
const temporary = /\.(\d+)\.tmp$/;
/** The number may be a process's of another machine: younger files are left alone, in milliseconds. */
const oldEnough = 24 * 3_600_000;

/** Files and folders that processes left which are gone: beside reports, adapters, exports, backups. */
export async function leftovers({ root, adapters }: WorkspacePaths, now: Date): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const add = async (kind: Garbage["kind"], path: string, why: string) => {
    const take = async () => {
      await rm(path, { recursive: true, force: true });
      return true;
    };
    found.push({ kind, what: relative(root, path), why, bytes: await bytesAt(path), take });
  };
  for (const folder of [adapters, join(root, "runs"), join(root, "exports")]) {
    for (const path of await temporaryBelow(folder, now)) {
      await add("temporary", path, "what a process wrote that ended in the middle of it");
    }
  }
  const staging = stagingOf(root);
  if (existsSync(staging) && !existsSync(planOf(root))) {
    await add("half-made", staging, "a restore that was cut off before it changed anything");
  }
  const backups = join(root, "backups");
  for (const name of await readdir(backups).catch(() => [])) {
    const owner = await readFile(join(backups, name, markerName), "utf8").catch(() => null);
    if (!name.endsWith(".partial") || owner !== `${root}\n`) continue;
    await add("half-made", join(backups, name), "a backup that was cut off");
  }
  return found;
}

async function temporaryBelow(folder: string, now: Date): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    const pid = temporary.exec(entry.name)?.[1];
    if (pid !== undefined) {
      const stats = await lstat(path).catch(() => null);
      const old = stats !== null && now.getTime() - stats.mtimeMs > oldEnough;
      if (old && !isAlive(Number(pid))) found.push(path);
    } else if (entry.isDirectory()) {
      found.push(...(await temporaryBelow(path, now)));
    }
  }
  return found;
}
