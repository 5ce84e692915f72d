import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import type { Arm, StudySpec } from "../core/study.js";

/**
 * The runs of a study in their order: seed by seed, so that a study that is stopped has as many seeds of each
 * arm, and within a seed by lot, so that no arm is always the first. The control at equal compute is the last of its
 * seed: what the others spent decides how much it may. The base weights need no run of their own.
 */
export function orderOf(spec: StudySpec, arms: readonly Arm[]): { arm: string; seed: number }[] {
  const treatments = arms.filter(({ role }) => role === "treatment");
  const controls = arms.filter(({ role }) => role === "equal-compute");
  return spec.seeds.flatMap((seed) =>
    [...shuffled(treatments, seedFor(spec.taskSeed, "order", seed)), ...controls].map(({ id }) => ({
      arm: id,
      seed,
    })),
  );
}
