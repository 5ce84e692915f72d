import type { Attempt, Task } from "../../core/entities.js";
import type { StageInput } from "../types.js";
import { byTask, elicitedTasks } from "./requests.js";
import { noVerifier } from "./unanswered.js";

/**
 * The attempts worth a second look: for each task that has fewer right answers than curation keeps,
 * its most frequent distinct failures, `perTask` at most.
 */
export function failuresToRework(
  input: StageInput,
  perTask: number,
): { task: Task; attempt: Attempt }[] {
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  return [...byTask(input.rows.attempts)].flatMap(([taskId, attempts]) => {
    // Without a majority nothing that is written could be told right from wrong.
    const undecided = attempts.every(({ verdict }) => verdict.outcome === "ungradable");
    if (input.recipe.teacher.labels === "majority" && undecided) return [];
    const right = new Set(
      attempts
        // One that was cut off cannot be learned, so it does not count.
        .filter((a) => a.verdict.outcome === "ok" && !a.truncated)
        .map((a) => a.answer),
    );
    if (right.size >= input.recipe.curate.perTask) return [];
    const failures = mostFrequentFirst(
      attempts.filter((a) => a.verdict.outcome !== "ok" && a.verdict.verifier !== noVerifier),
    );
    return failures
      .slice(0, perTask)
      .map((attempt) => ({ task: tasks.get(taskId) as Task, attempt }));
  });
}

/** One attempt for each distinct answer; ties in the order in which they were sampled. */
export function mostFrequentFirst(attempts: readonly Attempt[]): Attempt[] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    groups.set(attempt.answer, [...(groups.get(attempt.answer) ?? []), attempt]);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length).map((group) => group[0]!);
}
