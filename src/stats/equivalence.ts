import { RedistillError } from "../core/errors.js";
import type { Estimate } from "./mixed.js";
import { studentTail } from "./student.js";

export interface Equivalence {
  /** Of "worse by the margin or more" and of "better by the margin or more". */
  readonly pNotWorse: number;
  readonly pNotBetter: number;
  /** Of not being equivalent: the larger of both. */
  readonly p: number;
}

/**
 * Two one-sided tests (Schuirmann 1987; Lakens 2017): are two arms within `margin` of each other? Claimed
 * where p <= alpha, which is where the interval of confidence 1 - 2 alpha lies within the margin.
 * "No significant difference" is no such claim: the smaller a study, the easier it is to have none.
 *
 * @param margin in the units of the difference, above 0; chosen before the study, from what would matter.
 */
export function equivalence(estimate: Estimate, margin: number): Equivalence {
  if (!(margin > 0)) {
    throw new RedistillError(
      "usage",
      `a test of equivalence within ${margin}`,
      "Give the smallest difference that would matter, such as 0.03.",
    );
  }
  const pNotWorse = tail(estimate.difference + margin, estimate);
  const pNotBetter = tail(margin - estimate.difference, estimate);
  return { pNotWorse, pNotBetter, p: Math.max(pNotWorse, pNotBetter) };
}

function tail(distance: number, { standardError, degrees }: Estimate): number {
  if (standardError === 0) return distance > 0 ? 0 : 1;
  return studentTail(distance / standardError, degrees);
}
