import type { EvaluatedAnswer } from "./entities.js";
import { seedFor } from "./hash.js";
import type { PolicySettings } from "./policy.js";
import { shuffled } from "./random.js";

interface HasValidation {
  readonly seed: number;
  readonly teacher: { readonly exemplars: number };
  readonly policy: PolicySettings;
}

/** The training tasks of a run by their use; each is in one of the two. */
export interface DividedTasks<T> {
  readonly learnable: readonly T[];
  /** Never learned from: they tell what is learned from what is learned by heart. */
  readonly validation: readonly T[];
}

/**
 * Divides a run's training tasks, exemplars left out. A lot by the recipe's seed draws the validation tasks, so that
 * they are the same in every round; a fixed policy has none.
 *
 * @param train The training split in its order.
 */
export function divideTraining<T>(recipe: HasValidation, train: readonly T[]): DividedTasks<T> {
  const { policy, teacher, seed } = recipe;
  const rest = train.slice(teacher.exemplars);
  if (policy.kind === "fixed") return { learnable: rest, validation: [] };
  const drawn = new Set(shuffled(rest, seedFor(seed, "validation")).slice(0, policy.validation));
  return {
    learnable: rest.filter((task) => !drawn.has(task)),
    validation: rest.filter((task) => drawn.has(task)),
  };
}

/** An answer of a round's candidate to a training task, greedily, as the student is asked. */
export interface ValidationAnswer extends EvaluatedAnswer {
  readonly taskId: string;
  /** Whether the candidate learned from this task. */
  readonly kind: "learned" | "unseen";
}
