import type { StageInput } from "../../types.js";
import { answersByTask, answersOf, exampleOf, type Gathered } from "./answers.js";

/**
 * Tasks to be learned by trying: those that were solved neither every time nor never, since only
 * answers that differ in reward teach anything; then those never solved.
 */
export function practice(input: StageInput): Gathered {
  const groups = answersByTask(answersOf(input).filter(({ source }) => source === "attempt"));
  const known = groups
    .map((group) => group.filter(({ item }) => item.verdict.score !== null))
    .filter((group) => group.length > 0);
  const rate = (group: (typeof groups)[number]) =>
    group.filter(({ item }) => item.verdict.outcome === "ok").length / group.length;
  const mixed = known.filter((group) => rate(group) > 0 && rate(group) < 1);
  const unsolved = known.filter((group) => rate(group) === 0);
  const kept = [...mixed, ...unsolved].map(([first]) =>
    exampleOf(input, first!, { kind: "practice" }),
  );
  return { kept, refusals: [] };
}
