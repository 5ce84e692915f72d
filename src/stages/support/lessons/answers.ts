import type { Attempt, Example, Lesson, Revision, Task } from "../../../core/entities.js";
import { stableId } from "../../../core/hash.js";
import type { Refusal } from "../../../core/round.js";
import type { StageInput } from "../../types.js";
import { studentMessages } from "../requests.js";

/** What a round offers to learn from, before duplicates, held-out twins and limits. */
export interface Gathered {
  readonly kept: Example[];
  readonly refusals: Refusal[];
}

/** An attempt or a revision of this round. */
export interface Answered {
  readonly source: "attempt" | "revision";
  readonly item: Attempt | Revision;
}

/** All answers of a round: attempts first, each in its order. */
export function answersOf({ rows }: StageInput): Answered[] {
  return [
    ...rows.attempts.map((item) => ({ source: "attempt" as const, item })),
    ...rows.revisions.map((item) => ({ source: "revision" as const, item })),
  ];
}

/** Right and complete answers; right ones that were cut off are refused. */
export function rightAnswers(input: StageInput): { right: Answered[]; refusals: Refusal[] } {
  const right = answersOf(input).filter(({ item }) => item.verdict.outcome === "ok");
  return {
    right: right.filter(({ item }) => !item.truncated),
    refusals: right
      .filter(({ item }) => item.truncated)
      .map(({ item }) => ({
        sourceId: item.id,
        taskId: item.taskId,
        reason: "cut off at maxTokens",
      })),
  };
}

/** An answer as an example, under the question that the student is asked. */
export function exampleOf(
  { round, prompts, tasks }: StageInput,
  { source, item }: Answered,
  lesson?: Lesson,
): Example {
  const task = tasks.train.find(({ id }) => id === item.taskId) as Task;
  return {
    id: stableId("example", source, item.id, ...(lesson ? [lesson.kind, ...judged(lesson)] : [])),
    taskId: task.id,
    source,
    sourceId: item.id,
    originRound: round,
    messages: studentMessages(prompts.student, task),
    completion: item.answer,
    ...(lesson ? { lesson } : {}),
  };
}

/** The judge's preference behind a lesson: it may prefer an answer to several others. */
function judged(lesson: Lesson): string[] {
  return "preference" in lesson && lesson.preference ? [lesson.preference] : [];
}

/** Answers under their task, tasks in the order in which they first appear. */
export function answersByTask(answers: readonly Answered[]): Answered[][] {
  const groups = new Map<string, Answered[]>();
  for (const answer of answers) {
    const { taskId } = answer.item;
    groups.set(taskId, [...(groups.get(taskId) ?? []), answer]);
  }
  return [...groups.values()];
}

/** The first answer of each text. */
export function distinct(answers: readonly Answered[]): Answered[] {
  const seen = new Set<string>();
  return answers.filter(({ item }) => !seen.has(item.answer) && seen.add(item.answer));
}
