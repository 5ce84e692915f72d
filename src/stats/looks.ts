import { RedistillError } from "../core/errors.js";

/**
 * The level of one look, so that a night of `looks` looks promotes a candidate that is no better
 * with probability at most `alpha`: alpha / looks (Bonferroni).
 *
 * The looks are the planned rounds, known before the first one. Each tests another candidate, bred
 * from earlier decisions on the same gate tasks; their dependence is unknown, and Bonferroni's bound
 * needs no assumption about it, since P(any error) <= Σ P(error). Group-sequential boundaries
 * (Pocock, O'Brien–Fleming) assume one growing sample and do not apply. A run that stops early has
 * spent less than alpha; a run that is extended must be planned anew.
 *
 * @example
 * alphaForLook(0.05, 5) // 0.01
 */
export function alphaForLook(alpha: number, looks: number): number {
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(looks) || looks < 1) {
    throw new RedistillError(
      "usage",
      `gate: alpha ${alpha} over ${looks} looks is not possible`,
      "Give an alpha between 0 and 1 and at least one round.",
    );
  }
  return alpha / looks;
}
