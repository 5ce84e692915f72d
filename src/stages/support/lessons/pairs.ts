import type { Revision } from "../../../core/entities.js";
import type { StageInput } from "../../types.js";
import {
  type Answered,
  answersByTask,
  answersOf,
  distinct,
  exampleOf,
  type Gathered,
  rightAnswers,
} from "./answers.js";

/**
 * Preferences: each right answer over a wrong one to the same task. A revision is preferred to the
 * draft that it mends; other right answers take the task's wrong ones in turn. Ungradable answers
 * are on neither side, nor are those that were cut off: they do not end where training would end them.
 */
export function pairs(input: StageInput): Gathered {
  const { right, refusals } = rightAnswers(input);
  const wrong = answersOf(input).filter(
    ({ item }) => item.verdict.outcome === "wrong" && !item.truncated,
  );
  const wrongByTask = new Map(
    answersByTask(wrong).map((group) => [group[0]!.item.taskId, distinct(group)]),
  );
  const kept = answersByTask(right).flatMap((group) =>
    distinct(group).flatMap((chosen, position) => {
      const rivals = wrongByTask.get(chosen.item.taskId) ?? [];
      const rejected = draftOf(chosen, wrong) ?? rivals[position % rivals.length];
      if (rejected === undefined) return [];
      const { id: sourceId, answer } = rejected.item;
      return [
        exampleOf(input, chosen, {
          kind: "pair",
          rejected: { source: rejected.source, sourceId, answer },
        }),
      ];
    }),
  );
  return { kept, refusals };
}

/** The wrong attempt that a revision mends. */
function draftOf({ source, item }: Answered, wrong: readonly Answered[]): Answered | undefined {
  if (source !== "revision") return undefined;
  return wrong.find((draft) => draft.item.id === (item as Revision).attemptId);
}
