import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import type { StageInput, StageOutput } from "./types.js";

/**
 * Which training tasks this round takes up. The tasks are shuffled once for the run and taken in
 * turn, so that each is seen before any is seen twice. The first ones of the split are kept back as
 * exemplars where the recipe has any.
 */
export async function elicit({ recipe, round, tasks }: StageInput): Promise<StageOutput> {
  const pool = shuffled(
    tasks.train.slice(recipe.teacher.exemplars),
    seedFor(recipe.seed, "elicit"),
  );
  const wanted = recipe.elicit.tasksPerRound || pool.length;
  const size = Math.min(wanted, pool.length);
  const start = ((round - 1) * size) % pool.length;
  const elicited = Array.from(
    { length: size },
    (_, offset) => pool[(start + offset) % pool.length]!.id,
  );
  return { rows: { elicited }, summary: { tasks: size, pool: pool.length } };
}
