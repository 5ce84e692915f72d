import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { failpoint } from "../core/failpoint.js";
import { writeFileAtomic } from "../setup/files.js";
import { flushFolders, timeName } from "./files.js";
import { type Manifest, readManifest } from "./manifest.js";
import { planMoves } from "./restore-plan.js";
import { stage } from "./restore-stage.js";
import { requireFree, withHeld } from "./restore-target.js";
import { carryOut, readPlan } from "./swap.js";
import {
  type OperationOptions,
  operateAlone,
  planOf,
  stagingOf,
  type WorkspacePaths,
} from "./workspace.js";

export interface RestoreResult {
  readonly runs: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Where what was there before lies now; null where nothing was. */
  readonly former: string | null;
  /** An earlier try had everything ready, and this one put it in place. */
  readonly finishedEarlier: boolean;
  readonly seconds: number;
}

interface RestoreOptions extends OperationOptions {
  /** Moves aside what the workspace holds. */
  readonly force: boolean;
  readonly now: Date;
}

/**
 * Puts a backup into a workspace. Everything is copied beside, and every hash and the database are
 * checked, before anything that is there is moved; what is moved is kept. Killed before the checks
 * are over, it is begun again; after that it is finished by the next call.
 *
 * @throws RedistillError `usage` when the workspace is not empty or the folder is no backup, `state`
 * when somebody works in it, `storage` when the backup is damaged.
 */
export async function restore(
  paths: WorkspacePaths,
  source: string,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const startedAt = performance.now();
  const folder = resolve(paths.root, source);
  const manifest = await readManifest(folder);
  return operateAlone(paths, options.signal, async () => {
    const result = {
      runs: manifest.runs,
      files: manifest.files.length,
      bytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    const seconds = () => (performance.now() - startedAt) / 1000;
    const begun = await readPlan(paths.root);
    if (begun !== null) {
      await withHeld(paths, () => carryOut(begun.moves, stagingOf(paths.root)));
      if (begun.checksum === manifest.checksum) {
        return { ...result, former: begun.former, finishedEarlier: true, seconds: seconds() };
      }
    }
    await requireFree(paths, manifest, options.force);
    const former = await replace(paths, folder, manifest, options);
    return { ...result, former, finishedEarlier: false, seconds: seconds() };
  });
}

/** Stages, checks and swaps; a failure before the swap leaves nothing behind. */
async function replace(
  paths: WorkspacePaths,
  folder: string,
  manifest: Manifest,
  options: RestoreOptions,
): Promise<string | null> {
  const staging = stagingOf(paths.root);
  try {
    await stage(paths, folder, manifest, options);
    const { former, moves } = await planMoves(paths, manifest, timeName(options.now));
    await flushFolders(staging);
    return await withHeld(paths, async () => {
      const plan = { checksum: manifest.checksum, former, moves };
      await writeFileAtomic(planOf(paths.root), JSON.stringify(plan));
      failpoint("restore:ready");
      await carryOut(moves, staging);
      return former;
    });
  } catch (error) {
    // With a plan some files may have been moved: the next call goes on.
    if (!existsSync(planOf(paths.root))) await rm(staging, { recursive: true, force: true });
    throw error;
  }
}
