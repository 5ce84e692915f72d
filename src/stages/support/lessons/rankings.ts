import type { Example, Lesson } from "../../../core/entities.js";
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
import { type Preferred, preferred } from "./preferences.js";

/** The rankings that a recipe learns from: all answers to a task by score, or two by preference. */
export function rankings(input: StageInput): Gathered {
  const { refusals } = rightAnswers(input);
  const { retrain } = input.recipe;
  const all = "pairs" in retrain && (retrain.pairs === "verdicts" || retrain.pairs === "all");
  const whole = all ? byScore(input) : [];
  const two = preferred(input)
    .filter(({ preference }) => preference !== undefined || !all)
    .map((each) => exampleOf(input, each.chosen, inOrder(each)));
  return { kept: [...whole, ...two], refusals };
}

/** Of two answers only the order counts, so that their scores are the best and the worst. */
function inOrder({ rejected, preference }: Preferred): Lesson {
  const { id: sourceId, answer } = rejected.item;
  return {
    kind: "ranking",
    score: 1,
    others: [{ source: rejected.source, sourceId, answer, score: 0 }],
    ...(preference === undefined ? {} : { preference }),
  };
}

/**
 * The distinct answers to a task by their score, one ranking for each task with a right answer and a
 * worse one. The shortest right answer is the one to imitate.
 */
function byScore(input: StageInput): Example[] {
  const scored = answersOf(input).filter(
    ({ item }) => item.verdict.score !== null && !item.truncated,
  );
  return answersByTask(scored).flatMap((group) => {
    const [best, ...rest] = distinct(group).sort(
      (a, b) => scoreOf(b) - scoreOf(a) || a.item.answer.length - b.item.answer.length,
    );
    if (best?.item.verdict.outcome !== "ok") return [];
    const others = rest.map((other) => ({
      source: other.source,
      sourceId: other.item.id,
      answer: other.item.answer,
      score: scoreOf(other),
    }));
    if (others.every(({ score }) => score === scoreOf(best))) return [];
    return [exampleOf(input, best, { kind: "ranking", score: scoreOf(best), others })];
  });
}

function scoreOf({ item }: Answered): number {
  return item.verdict.score ?? 0;
}
