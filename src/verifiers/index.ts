import type { Task, Verdict } from "../core/entities.js";
import type { Verify } from "../core/ports.js";
import { checkContains } from "./contains.js";
import { checkExact } from "./exact.js";
import { checkFields } from "./fields.js";
import { checkJson } from "./json.js";
import { checkNumeric } from "./numeric.js";
import { checkReasoningGym, type ReasoningGymScorer } from "./reasoning-gym.js";
import { type Check, ungradable, unreadable } from "./verdict.js";

export { answerKey, majority, majorityVerdicts } from "./majority.js";
export { numbersIn, plainNumbers } from "./numbers.js";
export type { ReasoningGymItem, ReasoningGymScorer } from "./reasoning-gym.js";
export { unreadable } from "./verdict.js";

/**
 * Checks answers with the verifier that each task names. A strange answer is `ungradable`, with the
 * reason in `finding`; only a scorer that fails throws. Findings never hold the reference.
 *
 * @example
 * const verify = createVerify({});
 * const [verdict] = await verify([{ task, answer: "The answer is 7." }]);
 */
export function createVerify(options: { reasoningGym?: ReasoningGymScorer | undefined }): Verify {
  return async (items) => {
    const checks: (Check | null)[] = items.map(({ task, answer }) => {
      const reason = unreadable(answer);
      return reason === null ? checkAlone(task, answer) : ungradable(reason);
    });
    const open = [...checks.keys()].filter((i) => checks[i] === null);
    const scored = await checkReasoningGym(
      open.map((i) => items[i]!),
      options.reasoningGym,
    );
    for (const [n, i] of open.entries()) checks[i] = scored[n]!;
    return checks.map(
      (check, i): Verdict => ({ ...check!, verifier: items[i]!.task.verifier.kind }),
    );
  };
}

/** The check of one answer by itself, or null for what is scored in batches. */
function checkAlone(task: Task, answer: string): Check | null {
  const { verifier: spec, reference } = task;
  switch (spec.kind) {
    case "exact":
      return checkExact(answer, reference, spec.ignoreCase);
    case "numeric":
      return checkNumeric(answer, reference, spec.tolerance);
    case "contains":
      return checkContains(answer, reference);
    case "json":
      return checkJson(answer, reference);
    case "fields":
      return checkFields(answer, reference);
    case "rubric":
      return ungradable("Only the judge of a run can grade by a rubric.");
    case "reasoning_gym":
      return null;
  }
}
