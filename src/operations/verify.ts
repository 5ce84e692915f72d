import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { hashFile } from "../setup/digest.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { manifestName, readManifest } from "./manifest.js";
import { type Problem, restoreIt } from "./problem.js";
import { adapterProblems } from "./verify-adapters.js";
import { chainProblems } from "./verify-chain.js";
import { heldOutProblems } from "./verify-held-out.js";
import { memoryProblems } from "./verify-memory.js";
import { suiteProblems, taskProblems } from "./verify-suites.js";
import { planOf, type WorkspacePaths } from "./workspace.js";

export interface VerifyResult {
  readonly runs: readonly string[];
  /** Adapters whose files were read and hashed. */
  readonly adapters: number;
  /** Adapters whose files `gc` took away. */
  readonly collected: number;
  readonly problems: readonly Problem[];
  readonly seconds: number;
}

/**
 * Looks whether the database is whole, whether the files are those that it names, and whether its
 * rows follow from one another. Reads only; safe while a controller works.
 */
export async function verify(
  paths: WorkspacePaths,
  store: Store,
  runs: readonly RunRow[],
  options: { signal: AbortSignal; onProgress(text: string): void },
): Promise<VerifyResult> {
  const startedAt = performance.now();
  const { signal, onProgress } = options;
  const problems: Problem[] = [];
  if (existsSync(planOf(paths.root))) {
    problems.push({
      run: null,
      what: "A restore was interrupted while it put the files in place.",
      todo: "Run the same `redistill restore <folder>` again: it finishes what was begun.",
    });
  }
  onProgress("checking the database");
  for (const what of store.audit.database()) {
    problems.push({ run: null, what: `The database: ${what}.`, todo: restoreIt });
  }
  problems.push(...(await backupProblems(paths.root, options)));
  for (const run of runs) {
    signal.throwIfAborted();
    onProgress(`checking run ${run.id}`);
    problems.push(
      ...contradictions(store, run),
      ...chainProblems(store, run),
      ...taskProblems(store, run),
      ...suiteProblems(store, run),
      ...heldOutProblems(store, run),
      ...memoryProblems(store, run),
    );
  }
  const {
    adapters,
    collected,
    problems: files,
  } = await adapterProblems(paths, store, runs, options);
  return {
    runs: runs.map(({ id }) => id),
    adapters,
    collected,
    problems: [...problems, ...files],
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** Rows that do not follow from the rows that they name. */
function contradictions({ audit }: Store, { id }: RunRow): Problem[] {
  return [
    ...audit.lineage(id),
    ...audit.strayCalls(id),
    ...audit.strayAnswers(id),
    ...audit.strayQuestions(id),
  ].map(({ what, count, ids }) => ({
    run: id,
    what: `Run ${id}, ${what}: ${count} (${ids.join(", ")}${count > ids.length ? ", …" : ""}).`,
    todo: restoreIt,
  }));
}

/** Inside a backup's folder, whether it is still what it was. */
async function backupProblems(
  root: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress(text: string): void },
): Promise<Problem[]> {
  if (!existsSync(join(root, manifestName))) return [];
  const todo = "This backup cannot be restored: take another one.";
  try {
    const problems: Problem[] = [];
    for (const { path, sha256 } of (await readManifest(root)).files) {
      onProgress(`checking ${path}`);
      const actual = await hashFile(join(root, path), signal).catch((error) => {
        signal.throwIfAborted();
        return messageOf(error);
      });
      if (actual === sha256) continue;
      const what = `The backup's ${path} is not what its manifest says (${actual.slice(0, 80)}).`;
      problems.push({ run: null, what, todo });
    }
    return problems;
  } catch (error) {
    if (!(error instanceof RedistillError)) throw error;
    return [{ run: null, what: `${error.message}.`, todo }];
  }
}
