import type { StageInput } from "../../types.js";
import {
  answersByTask,
  answersOf,
  distinct,
  exampleOf,
  type Gathered,
  rightAnswers,
} from "./answers.js";

/** Every complete answer with its verdict; an ungradable one is left out, since it is not wrong. */
export function labels(input: StageInput): Gathered {
  const { refusals } = rightAnswers(input);
  const judged = answersOf(input).filter(
    ({ item }) => item.verdict.outcome !== "ungradable" && !item.truncated,
  );
  const kept = answersByTask(judged)
    .flatMap(distinct)
    .map((answer) =>
      exampleOf(input, answer, { kind: "label", right: answer.item.verdict.outcome === "ok" }),
    );
  return { kept, refusals };
}
