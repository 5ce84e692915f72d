import type { StageInput } from "../../types.js";
import { byTask } from "../requests.js";
import { exampleOf, type Gathered, rightAnswers } from "./answers.js";

/** Right answers to be said again, all alike. */
export function imitation(input: StageInput): Gathered {
  const { right, refusals } = rightAnswers(input);
  return { kept: right.map((answer) => exampleOf(input, answer)), refusals };
}

/**
 * Right answers, each weighted with the share of its task's attempts that were not right: what is
 * solved every time needs no teaching. Never below 1 / attempts, so that nothing is thrown away.
 */
export function weightedImitation(input: StageInput): Gathered {
  const attempts = byTask(input.rows.attempts);
  const { right, refusals } = rightAnswers(input);
  const kept = right.map((answer) => {
    const tries = attempts.get(answer.item.taskId) ?? [];
    const failed = tries.filter(({ verdict }) => verdict.outcome !== "ok").length;
    const weight = Math.max(failed, 1) / Math.max(tries.length, 1);
    return exampleOf(input, answer, { kind: "weighted", weight });
  });
  return { kept, refusals };
}
