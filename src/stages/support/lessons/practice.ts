import type { Lesson } from "../../../core/entities.js";
import type { StageInput } from "../../types.js";
import { critiqueWords } from "../criticism.js";
import { answersByTask, answersOf, exampleOf, type Gathered, rightAnswers } from "./answers.js";

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

/** The same tasks, with the shortest right answer and the critiques that the round has of each. */
export function practiceWithFeedback(input: StageInput): Gathered {
  const { right } = rightAnswers(input);
  const attempts = new Map(input.rows.attempts.map(({ id, answer }) => [id, answer]));
  const { kept, refusals } = practice(input);
  const lessonFor = (taskId: string): Lesson => {
    const solutions = right.map(({ item }) => item).filter((item) => item.taskId === taskId);
    const [solution] = solutions.map(({ answer }) => answer).sort((a, b) => a.length - b.length);
    const critiques = input.rows.critiques
      .filter((critique) => critique.taskId === taskId)
      .map((each) => [attempts.get(each.attemptId) as string, critiqueWords(input, each)] as const);
    return { kind: "feedback", solution: solution ?? null, critiques };
  };
  return { kept: kept.map((e) => ({ ...e, lesson: lessonFor(e.taskId) })), refusals };
}
