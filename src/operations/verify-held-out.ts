import type { Task } from "../core/entities.js";
import { type NearDuplicate, nearDuplicates } from "../core/similarity.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Problem } from "./problem.js";

/** Pairs named in full; the rest is counted. */
const mostPairs = 3;

/**
 * Whether a run learned from a task that (nearly) is one of its gate, sealed or retention suite.
 * Similarity depends a little on the other texts, so each round is compared exactly as curation
 * compared it.
 */
export function heldOutProblems(store: Store, { id, recipe }: RunRow): Problem[] {
  const of = (split: Task["split"]) => store.tasks.ofSplit(id, split);
  const held = (["gate", "sealed", "retention"] as const).flatMap(of).map(textOf);
  const train = of("train").map(textOf);
  const replay = of("replay").map(textOf);
  const texts = new Map([...train, ...replay].map((item) => [item.id, item]));
  const found = new Map<string, NearDuplicate>();
  const rehearsed = new Set<string>();
  let [compared, pairs]: [string, readonly NearDuplicate[]] = ["", []];
  for (const { number } of store.rounds.all(id)) {
    const round = store.audit.curated(id, number);
    for (const task of round.rehearsed) rehearsed.add(task);
    const considered = [...round.considered].sort();
    // Rounds often have the same tasks as the one before.
    if (considered.join() !== compared) {
      const items = considered.flatMap((task) => texts.get(task) ?? []);
      pairs = nearDuplicates(held, items, recipe.curate.nearDuplicate);
      compared = considered.join();
    }
    for (const pair of pairs) {
      if (round.trained.has(pair.trainId)) {
        found.set(`${pair.heldOutId} ${pair.trainId}`, pair);
      }
    }
  }
  // Rehearsal was compared once, among more tasks than the run kept: half-way to equal is telling.
  const surely = (1 + recipe.curate.nearDuplicate) / 2;
  for (const pair of nearDuplicates(held, [...train, ...replay], surely)) {
    if (rehearsed.has(pair.trainId)) {
      found.set(`${pair.heldOutId} ${pair.trainId}`, pair);
    }
  }
  return [...found.values()].slice(0, mostPairs).map(({ heldOutId, trainId, similarity }) => ({
    run: id,
    what: `Run ${id} learned from ${trainId}, which resembles the held-out ${heldOutId} (similarity ${similarity.toFixed(2)})${found.size > mostPairs ? `; ${found.size} such pairs in all` : ""}.`,
    todo: "What it measured on that task is not to be trusted: take one of the two out of the task file and start a new run.",
  }));
}

function textOf({ id, prompt }: Task): { id: string; text: string } {
  return { id, text: prompt };
}
