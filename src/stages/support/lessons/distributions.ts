import type { StageInput } from "../../types.js";
import { exampleOf, type Gathered, rightAnswers } from "./answers.js";

/** Right answers with the probabilities that their calls have; the same text from another call is another one. */
export function distributions(input: StageInput): Gathered {
  const { right, refusals } = rightAnswers(input);
  const kept = right.map((answer) =>
    exampleOf(input, answer, { kind: "distribution", callKey: answer.item.callKey }),
  );
  return { kept, refusals };
}
