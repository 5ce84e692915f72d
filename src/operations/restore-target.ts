import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { holdAlone, type References, readReferences } from "../store/snapshot.js";
import type { Manifest } from "./manifest.js";
import type { WorkspacePaths } from "./workspace.js";

/** What a workspace holds that a restore would replace, relative to it. */
export async function occupied(paths: WorkspacePaths, manifest: Manifest): Promise<string[]> {
  const holds = async (path: string) => (await readdir(path).catch(() => [])).length > 0;
  const found: string[] = [];
  if (existsSync(paths.database)) found.push(paths.database);
  if (await holds(paths.adapters)) found.push(paths.adapters);
  for (const folder of runFolders(manifest)) {
    if (await holds(join(paths.root, folder))) found.push(join(paths.root, folder));
  }
  return found;
}

/** Folders of runs that a backup brings, relative to the workspace. */
export function runFolders(manifest: Manifest): string[] {
  const folders = manifest.files
    .filter(({ path }) => path.startsWith("runs/"))
    .map(({ path }) => path.split("/").slice(0, 2).join("/"));
  return [...new Set(folders)];
}

/** Refuses a workspace that holds something, unless told otherwise, and one in which somebody works. */
export async function requireFree(
  paths: WorkspacePaths,
  manifest: Manifest,
  force: boolean,
): Promise<void> {
  const [first] = await occupied(paths, manifest);
  if (first !== undefined && !force) {
    throw new RedistillError(
      "usage",
      `this workspace is not empty: there is ${first}`,
      "Restore into an empty folder, or give --force: it moves what is here into a folder former-<time> beside it.",
    );
  }
  hold(paths.database)();
  const device = async (path: string) => (await stat(path)).dev;
  const home = dirname(paths.database);
  if (existsSync(home) && (await device(home)) !== (await device(paths.root))) {
    throw new RedistillError(
      "usage",
      `${paths.database} lies on another disk than the workspace, so it cannot be replaced at once`,
      "Restore without --database, then move the file.",
    );
  }
}

/** Holds the database that is there, so that nobody works in it meanwhile. */
export async function withHeld<T>(paths: WorkspacePaths, use: () => Promise<T>): Promise<T> {
  const release = hold(paths.database);
  // There a file that is open cannot be moved.
  if (process.platform === "win32") release();
  try {
    return await use();
  } finally {
    release();
  }
}

function hold(database: string): () => void {
  if (!existsSync(database)) return () => {};
  try {
    const release = holdAlone(database);
    if (release !== null) return release;
  } catch {
    // A damaged database is a reason to restore, not one against it.
    return () => {};
  }
  const running = runsOf(database).filter(({ state }) => state === "running");
  const names = running.map(({ id }) => id).join(", ");
  throw new RedistillError(
    "state",
    `another process has ${database} open${names === "" ? "" : `: ${names} is being worked on`}`,
    "Stop it first (Ctrl-C, or a SIGTERM to it), then restore. Nothing was changed.",
  );
}

/** The runs that the workspace's own database knows; none where it cannot be read. */
export function runsOf(database: string): References["runs"] {
  try {
    return readReferences(database).runs;
  } catch {
    return [];
  }
}
