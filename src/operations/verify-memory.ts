import { heldOutLeaks } from "../core/lesson-leaks.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Problem } from "./problem.js";

/**
 * Whether a lesson that a run's teacher was shown could have given one of its held-out tasks away: in the words of then, and
 * by the tasks that it had been learned from.
 */
export function memoryProblems(store: Store, { id, recipe }: RunRow): Problem[] {
  if (recipe.longTerm === null) return [];
  const held = (["gate", "sealed", "retention"] as const).flatMap((split) =>
    store.tasks.ofSplit(id, split),
  );
  const lessons = store.rounds.recalled
    .learnedFrom(id)
    .map(({ id: lesson, version, ...rest }) => ({ ...rest, id: `${lesson}, version ${version}` }));
  const leaks = heldOutLeaks(held, recipe.curate.nearDuplicate, lessons);
  return [...leaks].map(([lesson, reason]) => ({
    run: id,
    what: `Run ${id} showed its teacher ${lesson}, although ${reason}.`,
    todo: "What it measured on that task is not to be trusted: forget the lesson and start a new run.",
  }));
}
