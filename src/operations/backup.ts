import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { RedistillError } from "../core/errors.js";
import { failpoint } from "../core/failpoint.js";
import { hashFile } from "../setup/digest.js";
import { formatBytes, writeFileAtomic } from "../setup/files.js";
import { copyDatabase, problemsIn, type References, readReferences } from "../store/snapshot.js";
import { filesToCopy } from "./backup-files.js";
import { bytesAt, copyHashed, flushFolder, flushFolders, isWithin, requireRoom } from "./files.js";
import { databaseInBackup, type Manifest, manifestName, writeManifest } from "./manifest.js";
import {
  type OperationOptions,
  operateAlone,
  refuseHalfRestored,
  type WorkspacePaths,
} from "./workspace.js";

export interface BackupResult {
  readonly folder: string;
  readonly runs: number;
  readonly adapters: number;
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** Says whose a half-made backup is, so that another program's folder is never taken for one. */
export const markerName = "redistill-backup.partial";

/**
 * Copies a workspace while a controller may go on writing: the database as of one moment, and the
 * adapters and run folders that it speaks of. Everything is made in `<folder>.partial`, read back,
 * and renamed at the end; a try that was killed is continued by the next one for the same folder.
 *
 * @throws RedistillError `usage` for a folder that holds something, `storage` when something is
 * damaged or does not fit.
 */
export async function backup(
  paths: WorkspacePaths,
  target: string,
  options: OperationOptions & { readonly now: Date },
): Promise<BackupResult> {
  const startedAt = performance.now();
  const folder = resolve(paths.root, target);
  refuseHalfRestored(paths.root);
  requireRuns(paths);
  await requireUsable(paths, folder);
  return operateAlone(paths, options.signal, async () => {
    const partial = `${folder}.partial`;
    await takePartial(paths, partial);
    const { references, files } = await fill(paths, partial, options);
    await writeManifest(partial, {
      createdAt: options.now.toISOString(),
      workspace: paths.root,
      schema: references.schema,
      runs: references.runs.map(({ id }) => id),
      files,
    });
    await flushFolders(partial);
    failpoint("backup:manifest");
    // An empty folder that was named in advance gives way.
    await rmdir(folder).catch(() => {});
    await rename(partial, folder);
    failpoint("backup:renamed");
    await flushFolder(dirname(folder));
    await rm(join(folder, markerName));
    return {
      folder,
      runs: references.runs.length,
      adapters: references.adapters.length,
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      seconds: (performance.now() - startedAt) / 1000,
    };
  });
}

/** Refuses a workspace without a run, before anything is made in it. */
function requireRuns({ database }: WorkspacePaths): void {
  const there = existsSync(database);
  if (there && readReferences(database).runs.length > 0) return;
  throw new RedistillError(
    "usage",
    `there is nothing to copy: ${there ? `no run in ${database}` : `no ${database}`}`,
    "Run the command in the folder in which the runs were made, or name the database with --database.",
  );
}

/** Refuses a folder that holds something already, and one inside what is copied. */
async function requireUsable({ root }: WorkspacePaths, folder: string): Promise<void> {
  const entries = existsSync(folder) ? await readdir(folder).catch(() => null) : [];
  if (entries === null || entries.length > 0) {
    const isBackup = entries?.includes(manifestName);
    throw new RedistillError(
      "usage",
      isBackup ? `${folder} holds a backup already` : `${folder} is not an empty folder`,
      "Name another folder: a backup never replaces anything.",
    );
  }
  if (["memory", "runs"].some((name) => isWithin(join(root, name), folder))) {
    throw new RedistillError(
      "usage",
      `${folder} lies inside what is to be copied`,
      "Name a folder outside memory/ and runs/.",
    );
  }
}

/** Makes the folder in which a backup grows, or takes up one that was left by a killed try. */
async function takePartial({ root }: WorkspacePaths, partial: string): Promise<void> {
  const marker = join(partial, markerName);
  const owner = await readFile(marker, "utf8").catch(() => null);
  const entries = await readdir(partial).catch(() => []);
  if (owner !== `${root}\n` && entries.some((name) => !name.startsWith(markerName))) {
    throw new RedistillError(
      "usage",
      `${partial} is in the way: it is no backup of this workspace that was begun`,
      "Move it away, or name another folder.",
    );
  }
  await mkdir(partial, { recursive: true });
  await writeFileAtomic(marker, `${root}\n`);
}

async function fill(
  paths: WorkspacePaths,
  partial: string,
  { migrations, signal, onProgress }: OperationOptions,
): Promise<{ references: References; files: Manifest["files"] }> {
  const database = join(partial, databaseInBackup);
  await mkdir(dirname(database), { recursive: true });
  await requireRoom(partial, await bytesAt(paths.database));
  for (const end of ["", "-journal", "-wal", "-shm"]) await rm(database + end, { force: true });
  await copyDatabase(paths.database, database, {
    signal,
    onProgress: (share) => onProgress(`copying the database: ${Math.round(100 * share)}%`),
  });
  failpoint("backup:database");
  onProgress("checking the copy of the database");
  const [problem] = problemsIn(database, migrations);
  if (problem !== undefined) {
    throw new RedistillError(
      "storage",
      `${paths.database} is damaged: ${problem}`,
      "Nothing was copied over an earlier backup. `redistill verify` names every problem.",
    );
  }
  const stats = await lstat(database);
  const files = [
    { path: databaseInBackup, bytes: stats.size, sha256: await hashFile(database, signal) },
  ];
  // After the database: what it speaks of was there before it said so.
  const references = readReferences(database);
  const wanted = await filesToCopy(paths, references);
  await requireRoom(partial, await missing(paths.root, partial, [...wanted.keys()]));
  for (const [path, expected] of wanted) {
    onProgress(`copying ${path}`);
    const copied = await copyHashed(join(paths.root, path), join(partial, path), signal);
    if (expected !== null && copied.sha256 !== expected) {
      throw new RedistillError(
        "storage",
        `${path} is not the file that was trained: its sha256 is ${copied.sha256.slice(0, 12)}…, expected ${expected.slice(0, 12)}…`,
        "Put the file of an earlier backup back, or let `redistill verify` name every problem. There is no new backup.",
      );
    }
    files.push({ path: path.split(sep).join("/"), ...copied });
    failpoint("backup:file");
  }
  await dropOthers(partial, new Set([join(databaseInBackup), ...wanted.keys()]));
  return { references, files };
}

async function missing(root: string, partial: string, wanted: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of wanted) {
    if (!existsSync(join(partial, path))) bytes += await bytesAt(join(root, path));
  }
  return bytes;
}

/** A killed try may have left half of a file, or one that is gone since, such as a log. */
async function dropOthers(partial: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(partial, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(partial, path);
    if (!wanted.has(name) && name !== markerName) await rm(path);
  }
}

/** "Backed up 3 runs …", for people. */
export function describeBackup(result: BackupResult, root: string): string[] {
  const shown = relative(root, result.folder) || basename(result.folder);
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  return [
    `Backed up ${count(result.runs, "run")} and ${count(result.adapters, "adapter")} to ${shown}: ${count(result.files, "file")}, ${formatBytes(result.bytes)}, ${result.seconds.toFixed(1)} s.`,
    "Every copy was read back; the database's was checked.",
    `Bring it back with: redistill restore ${shown}`,
  ];
}
