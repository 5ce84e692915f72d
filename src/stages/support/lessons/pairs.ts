import type { Lesson } from "../../../core/entities.js";
import type { StageInput } from "../../types.js";
import { exampleOf, type Gathered, rightAnswers } from "./answers.js";
import { type Preferred, preferred } from "./preferences.js";

/** Two answers to one question each, of which the completion is the better one. */
export function pairs(input: StageInput): Gathered {
  const { refusals } = rightAnswers(input);
  const kept = preferred(input).map((each) => exampleOf(input, each.chosen, pairOf(each)));
  return { kept, refusals };
}

function pairOf({ rejected, preference }: Preferred): Lesson {
  const { id: sourceId, answer } = rejected.item;
  return {
    kind: "pair",
    rejected: { source: rejected.source, sourceId, answer },
    ...(preference === undefined ? {} : { preference }),
  };
}
