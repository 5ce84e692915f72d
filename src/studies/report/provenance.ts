import { sha256 } from "../../core/hash.js";
import type { Store } from "../../store/store.js";
import type { StudyOutcomes } from "../outcomes.js";
import type { Provenance } from "./report.js";

const splits = ["train", "gate", "retention", "sealed"] as const;

/** Hashes of everything that determines a study. */
export function readProvenance(store: Store, outcomes: StudyOutcomes): Provenance {
  const { study } = outcomes;
  const runs = outcomes.outcomes.flatMap(({ arm, seed, runId, student }) => {
    const run = store.runs.find(runId);
    if (run === null) return [];
    const { recipeHash, modelDigest } = run;
    return [{ arm, seed, runId, recipeHash, modelDigest, student }];
  });
  return {
    specHash: study.specHash,
    modelDigests: [...new Set(runs.map(({ modelDigest }) => modelDigest))],
    runs,
    prompts: store.studies
      .prompts(study.id)
      .map(({ stage, name, version, hash }) => ({ stage, name, version, hash })),
    taskSets: splits.flatMap((split) => taskSets(store, runs, split)),
  };
}

/** The distinct sets of tasks that the runs have of a split. */
function taskSets(
  store: Store,
  runs: readonly { readonly runId: string }[],
  split: (typeof splits)[number],
): Provenance["taskSets"] {
  const sets = new Map<string, { split: string; tasks: number; hash: string; runs: number }>();
  for (const { runId } of runs) {
    const tasks = store.tasks.ofSplit(runId, split);
    if (tasks.length === 0) continue;
    const hash = sha256(
      tasks.map(({ id, prompt, reference, suite }) => [
        id,
        prompt,
        reference,
        ...(suite === undefined ? [] : [suite]),
      ]),
    );
    const known = sets.get(hash) ?? { split, tasks: tasks.length, hash, runs: 0 };
    sets.set(hash, { ...known, runs: known.runs + 1 });
  }
  return [...sets.values()];
}
