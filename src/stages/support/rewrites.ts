import type { Attempt, Critique, Message, Task } from "../../core/entities.js";
import { type Prompt, renderPrompt } from "../../core/prompt.js";
import type { StageInput } from "../types.js";
import { critiqueWords } from "./criticism.js";
import { conversation, elicitedTasks, teacherMessages } from "./requests.js";
import { criticised } from "./trial.js";
import { failuresToRework } from "./unsolved.js";

/** A failed attempt that is written anew. */
export interface Draft {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly critique: Critique | null;
}

/**
 * A prompt that names {{task}} is asked after the teacher's exemplars, like a question of its own;
 * any other goes on after the failed answer.
 */
export function rewriteMessages(input: StageInput, prompt: Prompt, draft: Draft): Message[] {
  const { task, attempt, critique } = draft;
  const asked = renderPrompt(prompt, {
    task: task.prompt,
    answer: attempt.answer,
    finding: attempt.verdict.finding,
    ...(input.recipe.critique
      ? { critique: critique === null ? "" : critiqueWords(input, critique) }
      : {}),
    ...(input.recipe.teacher.hint ? { reference: task.reference ?? "" } : {}),
  });
  return prompt.variables.includes("task")
    ? teacherMessages(input, task, asked)
    : conversation(input, task, attempt.answer, asked);
}

/** What a rewrite's seed and id depend on. */
export function idOf({ attempt, critique }: Draft): string {
  return critique?.id ?? attempt.id;
}

/**
 * With a critique stage what it criticised, or would have if its prompt were not to say nothing;
 * otherwise each failed task's commonest failure.
 */
export function draftsToRewrite(input: StageInput): Draft[] {
  if (input.recipe.critique === null) {
    return failuresToRework(input, 1).map((failure) => ({ ...failure, critique: null }));
  }
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  const attempts = new Map(input.rows.attempts.map((attempt) => [attempt.id, attempt]));
  const spoken = input.rows.critiques.map((critique) => ({
    task: tasks.get(critique.taskId) as Task,
    attempt: attempts.get(critique.attemptId) as Attempt,
    critique,
  }));
  const silent = criticised(input).filter(({ prompt }) => prompt.output === "none");
  return [...spoken, ...silent.map(({ task, attempt }) => ({ task, attempt, critique: null }))];
}
