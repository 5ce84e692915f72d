import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { databaseInBackup, type Manifest } from "./manifest.js";
import { occupied, runFolders, runsOf } from "./restore-target.js";
import type { Move } from "./swap.js";
import { stagingOf, type WorkspacePaths } from "./workspace.js";

/** What goes aside and what comes in, in an order in which no moment mixes databases. */
export async function planMoves(
  paths: WorkspacePaths,
  manifest: Manifest,
  time: string,
): Promise<{ former: string | null; moves: Move[] }> {
  const { root, database, adapters } = paths;
  const staging = stagingOf(root);
  const taken = (await occupied(paths, manifest)).length > 0;
  const former = taken ? join(root, `former-${time}`) : null;
  const folders = new Set(runFolders(manifest));
  for (const { folder } of former === null ? [] : runsOf(database)) {
    if (dirname(folder) === "runs") folders.add(folder);
  }
  const moves: Move[] = [];
  const aside = (from: string, name: string) => {
    if (former !== null) moves.push({ kind: "aside", from, to: join(former, name) });
  };
  for (const folder of folders) aside(join(root, folder), folder);
  aside(adapters, join("memory", "adapters"));
  const comesIn = (name: string, to: string) => {
    const from = join(staging, name);
    if (existsSync(from)) moves.push({ kind: "in", from, to });
  };
  for (const folder of runFolders(manifest)) comesIn(folder, join(root, folder));
  comesIn(join("memory", "adapters"), adapters);
  // The database last, and its journal after it: a new database beside an old journal would be lost.
  for (const end of ["", "-wal", "-shm", "-journal"]) {
    aside(`${database}${end}`, `memory/redistill.db${end}`);
  }
  comesIn(databaseInBackup, database);
  return { former, moves };
}
