import { readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { failpoint } from "../core/failpoint.js";
import type { Train, TrainingJob, TrainingProgress, TrainingResult } from "../core/ports.js";
import type { Store } from "../store/store.js";
import type { Closing } from "./closing.js";
import type { Ledger } from "./ledger.js";
import type { Observe } from "./progress.js";
import { trainThrough } from "./train.js";

interface TrainingContext {
  readonly store: Store;
  readonly runId: string;
  readonly train: Train;
  readonly workspace: string;
  readonly signal: AbortSignal;
  readonly observe: Observe;
}

/**
 * Trains within the run's hours and its budgets of time and disk; the result's paths are relative to
 * the workspace.
 */
export async function trainWithin(
  context: TrainingContext,
  round: number,
  { ledger, closing }: { ledger: Ledger; closing: Closing },
  job: TrainingJob,
): Promise<TrainingResult> {
  const { store, runId, train, observe, workspace } = context;
  const onProgress = (progress: TrainingProgress) => {
    closing.check();
    if (ledger.isDue) ledger.commit();
    observe({ kind: "training", round, ...progress });
  };
  const result = await closing.interrupting(context.signal, (stop) =>
    ledger.train(
      stop,
      () => lastAdapterBytes(context) || leastBytes(context, job),
      (signal) =>
        trainThrough(job, {
          ...{ store, runId, round, signal, observe },
          train: (eased) => train(eased, { signal, onProgress }),
        }),
    ),
  );
  // The adapter's files are in place, and no row knows of them.
  failpoint("adapter:written");
  const { ggufPath, peftPath } = result;
  ledger.addFiles(folderBytes(dirname(ggufPath)));
  const from = (path: string) => relative(workspace, path);
  return { ...result, ggufPath: from(ggufPath), peftPath: from(peftPath) };
}

/** The size of the run's latest adapter, which the next one will have too; 0 before there is one. */
function lastAdapterBytes({ store, runId, workspace }: TrainingContext): number {
  const candidate = store.rounds.all(runId).findLast((row) => row.candidate !== null)?.candidate;
  const path = candidate ? store.adapters.find(candidate)?.ggufPath : null;
  return path ? folderBytes(join(workspace, dirname(path))) : 0;
}

/** A whole model in half precision is no smaller than the file that it is trained from; 0 for an adapter. */
function leastBytes({ store, runId }: TrainingContext, { weights }: TrainingJob): number {
  const base = weights === "full" ? store.runs.find(runId)?.modelPath : undefined;
  return (base && statSync(base, { throwIfNoEntry: false })?.size) || 0;
}

/** Bytes of all files in a folder and those below; 0 where there is none. */
function folderBytes(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
