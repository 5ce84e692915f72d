import { RedistillError } from "../core/errors.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { nearDuplicates } from "../core/similarity.js";
import type { TaskSets } from "../stages/types.js";
import type { Store } from "../store/store.js";

/**
 * Refuses a run whose suites hold a task that its critique prompt was bred or proved on, or one nearly like it. A
 * prompt is known by its text, by its name, and by its parent's name, so that a winner that was edited is known too; one
 * that came from another database is not.
 *
 * @throws RedistillError `usage` that names the evolution and how to draw the tasks as it did.
 */
export function refuseBredOn(
  store: Store,
  recipe: Recipe,
  { gate, sealed, retention }: TaskSets,
  { name, hash, parent }: Prompt,
): void {
  const names = parent === null ? [name] : [name, parent];
  for (const runId of store.evolutions.ofPrompt(hash, names)) {
    const near = nearDuplicates(
      [...gate, ...sealed, ...retention].map(({ id, prompt }) => ({ id, text: prompt })),
      store.evolutions.taskTexts(runId),
      recipe.curate.nearDuplicate,
    );
    const twins = new Set(near.map(({ heldOutId }) => heldOutId));
    if (twins.size === 0) continue;
    const { recipe: bred } = store.runs.find(runId)!;
    throw new RedistillError(
      "usage",
      `${twins.size} held-out tasks of this run are tasks that its critique prompt ${name} was bred on, or nearly: it comes of evolution ${runId}`,
      `Draw them as it did: the same task source with tasks.seed ${bred.tasks.seed ?? bred.seed}, train ${bred.tasks.train}, gate ${bred.tasks.gate} and sealed ${bred.tasks.sealed} (in a study: taskSeed). Or take another prompt.`,
    );
  }
}
