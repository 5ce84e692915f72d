import { existsSync } from "node:fs";
import { lstat, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { failpoint } from "../core/failpoint.js";
import { problemsIn, releaseRuns } from "../store/snapshot.js";
import { copyHashed, requireRoom } from "./files.js";
import { databaseInBackup, type Manifest } from "./manifest.js";
import { type OperationOptions, stagingOf, type WorkspacePaths } from "./workspace.js";

/** Copies the backup into the staging folder and checks all of it there. */
export async function stage(
  paths: WorkspacePaths,
  folder: string,
  manifest: Manifest,
  { migrations, signal, onProgress }: OperationOptions,
): Promise<void> {
  const staging = stagingOf(paths.root);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await requireRoom(
    staging,
    manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  for (const { path, sha256, bytes } of manifest.files) {
    onProgress(`copying and checking ${path}`);
    const from = join(folder, path);
    const stats = await lstat(from).catch(() => null);
    if (!stats?.isFile()) throw damaged(`${path} is missing from it`);
    const copied = await copyHashed(from, join(staging, path), signal);
    if (copied.sha256 !== sha256 || copied.bytes !== bytes) {
      throw damaged(
        `${path} has the sha256 ${copied.sha256.slice(0, 12)}…, its manifest says ${sha256.slice(0, 12)}…`,
      );
    }
    failpoint("restore:file");
  }
  const database = join(staging, databaseInBackup);
  if (!existsSync(database)) throw damaged("it has no database");
  const [problem] = problemsIn(database, migrations);
  if (problem !== undefined) throw damaged(`its database: ${problem}`);
  releaseRuns(database);
}

function damaged(what: string): RedistillError {
  return new RedistillError(
    "storage",
    `the backup is damaged: ${what}`,
    "Take another backup. Nothing was changed.",
  );
}
