import type { Revision } from "../../../core/entities.js";
import type { StageInput } from "../../types.js";
import { type Answered, answersByTask, answersOf, distinct, rightAnswers } from "./answers.js";

/** An answer that is better than another one to the same task, and who says so. */
export interface Preferred {
  readonly chosen: Answered;
  readonly rejected: Answered;
  /** The judge's preference; absent where verdicts say it. */
  readonly preference?: string;
}

/** The preferences that a recipe's method learns from, each chosen answer of a source once. */
export function preferred(input: StageInput): Preferred[] {
  const { retrain } = input.recipe;
  const source = "pairs" in retrain ? retrain.pairs : "verdicts";
  switch (source) {
    case "verdicts":
      return byVerdict(input);
    case "revisions":
      return byRevision(input);
    case "judge":
      return byJudge(input);
    case "all": {
      const told = byVerdict(input);
      const known = new Set(told.map(({ chosen }) => chosen.item.id));
      const mended = byRevision(input).filter(({ chosen }) => !known.has(chosen.item.id));
      return [...told, ...mended, ...byJudge(input)];
    }
  }
}

/**
 * Each right answer over a wrong one to the same task. A revision is preferred to the draft that it
 * mends; other right answers take the task's wrong ones in turn. Ungradable answers are on neither
 * side, nor are those that were cut off: they do not end where training would end them.
 */
function byVerdict(input: StageInput): Preferred[] {
  const { right } = rightAnswers(input);
  const wrong = answersOf(input).filter(
    ({ item }) => item.verdict.outcome === "wrong" && !item.truncated,
  );
  const wrongByTask = new Map(
    answersByTask(wrong).map((group) => [group[0]!.item.taskId, distinct(group)]),
  );
  return answersByTask(right).flatMap((group) =>
    distinct(group).flatMap((chosen, position) => {
      const rivals = wrongByTask.get(chosen.item.taskId) ?? [];
      const rejected = draftOf(chosen, wrong) ?? rivals[position % rivals.length];
      return rejected === undefined ? [] : [{ chosen, rejected }];
    }),
  );
}

/** Each right revision over the draft that it mends, also one that could not be graded. */
function byRevision(input: StageInput): Preferred[] {
  const { right } = rightAnswers(input);
  const drafts = answersOf(input).filter(
    ({ item }) => item.verdict.outcome !== "ok" && !item.truncated,
  );
  return answersByTask(right)
    .flatMap(distinct)
    .flatMap((chosen) => {
      const rejected = draftOf(chosen, drafts);
      return rejected === undefined ? [] : [{ chosen, rejected }];
    });
}

/** What the judge prefers in both orders; pairs that measure it are not learned from. */
function byJudge(input: StageInput): Preferred[] {
  const answers = new Map(answersOf(input).map((answer) => [answer.item.id, answer]));
  return input.rows.preferences.flatMap(({ id, purpose, first, second, outcome }) => {
    if (purpose !== "training" || (outcome !== "first" && outcome !== "second")) return [];
    const [chosen, rejected] = outcome === "first" ? [first, second] : [second, first];
    return [
      {
        chosen: answers.get(chosen.sourceId)!,
        rejected: answers.get(rejected.sourceId)!,
        preference: id,
      },
    ];
  });
}

/** The failed attempt that a revision mends. */
function draftOf({ source, item }: Answered, failed: readonly Answered[]): Answered | undefined {
  if (source !== "revision") return undefined;
  return failed.find((draft) => draft.item.id === (item as Revision).attemptId);
}
