import type { Complete, Verify } from "../core/ports.js";
import { gradingVerify } from "../stages/support/judging/rubric.js";
import type { StagePrompts } from "../stages/types.js";

/**
 * Verifiers, and the judge in their place for tasks that are graded by rubric, whatever stage has the
 * answers checked.
 *
 * @param complete Asks the judge's model.
 */
export function withGrades(
  verify: Verify,
  { rubric, repair }: StagePrompts,
  seed: number,
  complete: Complete,
): Verify {
  if (rubric === null || repair === null) return verify;
  return gradingVerify(verify, { complete, rubric, repair, seed });
}
