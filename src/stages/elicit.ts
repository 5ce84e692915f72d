import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import { divideTraining } from "../core/validation.js";
import type { StageInput, StageOutput } from "./types.js";

/**
 * Which training tasks this round takes up: those of its plan, or else the next in turn. The tasks are shuffled once
 * for the run and taken in turn, so that each is seen before any is seen twice. The first ones of the split are kept
 * back as exemplars where the recipe has any, and a lot of them for validation where its policy does.
 */
export async function elicit(input: StageInput): Promise<StageOutput> {
  const { recipe, tasks, plannedTasks } = input;
  const { learnable } = divideTraining(recipe, tasks.train);
  const elicited = plannedTasks ?? nextInTurn(input, learnable);
  return {
    rows: { elicited },
    summary: { tasks: elicited.length, pool: learnable.length },
  };
}

function nextInTurn(
  { recipe, round }: StageInput,
  learnable: readonly { readonly id: string }[],
): string[] {
  const pool = shuffled(learnable, seedFor(recipe.seed, "elicit"));
  const wanted = recipe.elicit.tasksPerRound || pool.length;
  const size = Math.min(wanted, pool.length);
  const start = ((round - 1) * size) % pool.length;
  return Array.from({ length: size }, (_, offset) => pool[(start + offset) % pool.length]!.id);
}
