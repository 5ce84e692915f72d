import type { Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import type { EvolutionSpec } from "../core/evolution.js";
import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import type { Recipe } from "../core/recipe.js";
import { nearDuplicates } from "../core/similarity.js";

/**
 * Tasks to breed on and others to prove on, by the tasks' seed, all from the training split. Exemplars are neither,
 * since they stand in prompts with their answers; a task that is (nearly) one of those bred on is not proved on.
 *
 * @throws RedistillError `usage` where the training split has too few.
 */
export function divide(
  tasks: readonly Task[],
  recipe: Recipe,
  spec: Pick<EvolutionSpec, "breed" | "prove" | "taskSeed">,
): { breed: string[]; prove: string[] } {
  const train = tasks.filter(({ split }) => split === "train");
  const order = shuffled(
    train.slice(recipe.teacher.exemplars),
    seedFor(spec.taskSeed, "evolve", "tasks"),
  );
  const breed = order.slice(0, spec.breed);
  const textOf = ({ id, prompt }: Task) => ({ id, text: prompt });
  const rest = order.slice(spec.breed);
  const near = nearDuplicates(breed.map(textOf), rest.map(textOf), recipe.curate.nearDuplicate);
  const twins = new Set(near.map(({ trainId }) => trainId));
  const prove = rest.filter(({ id }) => !twins.has(id)).slice(0, spec.prove);
  if (breed.length < spec.breed || prove.length < spec.prove) {
    throw new RedistillError(
      "usage",
      `the evolution needs ${spec.breed} tasks to breed on and ${spec.prove} others to prove on; the recipe's ${train.length} training tasks give ${breed.length} and ${prove.length}${twins.size > 0 ? `, ${twins.size} being too like one that is bred on` : ""}`,
      "Lower breed or prove, or raise tasks.train under `settings`.",
    );
  }
  return { breed: breed.map(({ id }) => id), prove: prove.map(({ id }) => id) };
}
