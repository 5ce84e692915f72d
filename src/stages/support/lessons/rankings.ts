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
 * The distinct answers to a task by their score, one ranking for each task with a right answer and a
 * worse one. The shortest right answer is the one to imitate.
 */
export function rankings(input: StageInput): Gathered {
  const { refusals } = rightAnswers(input);
  const scored = answersOf(input).filter(
    ({ item }) => item.verdict.score !== null && !item.truncated,
  );
  const kept = answersByTask(scored).flatMap((group) => {
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
  return { kept, refusals };
}

function scoreOf({ item }: Answered): number {
  return item.verdict.score ?? 0;
}
