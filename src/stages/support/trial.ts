import type { Attempt, Critique, Task } from "../../core/entities.js";
import { sha256 } from "../../core/hash.js";
import type { Prompt } from "../../core/prompt.js";
import type { StageInput } from "../types.js";
import { failuresToRework } from "./unsolved.js";

/** A failed attempt, and the prompt that it is criticised with. */
export interface Criticised {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly prompt: Prompt;
}

/**
 * What the round criticises. Where another prompt is tried, half of the failed tasks are its own, drawn by the run's seed
 * and the round: the same tokens are spent, and tasks differ between the two by chance alone.
 */
export function criticised(input: StageInput): Criticised[] {
  const { recipe, prompts } = input;
  if (recipe.critique === null || prompts.critique === null) return [];
  const failures = failuresToRework(input, recipe.critique.perTask);
  const { critique: own, trial } = prompts;
  if (trial === null) return failures.map((failure) => ({ ...failure, prompt: own }));
  const tried = drawn(input, [...new Set(failures.map(({ task }) => task.id))]);
  return failures.map((failure) => ({
    ...failure,
    prompt: tried.has(failure.task.id) ? trial : own,
  }));
}

function drawn({ recipe, round }: StageInput, taskIds: readonly string[]): Set<string> {
  const lot = new Map(taskIds.map((id) => [id, sha256([recipe.seed, "trial", round, id])]));
  const shuffled = [...taskIds].sort((a, b) => (lot.get(a)! < lot.get(b)! ? -1 : 1));
  return new Set(shuffled.slice(0, Math.floor(taskIds.length / 2)));
}

/** The prompt that a critique of the round was asked with. */
export function promptOf(
  { prompts: { critique, trial } }: Pick<StageInput, "prompts">,
  { promptHash }: Pick<Critique, "promptHash">,
): Prompt | null {
  return trial?.hash === promptHash ? trial : critique;
}
