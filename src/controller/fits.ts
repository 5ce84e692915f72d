import type { Message, Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import type { ChatModel } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { studentMessages, teacherMessages } from "../stages/support/requests.js";
import type { StageInput, TaskSets } from "../stages/types.js";

/**
 * Refuses tasks that do not fit a sequence before anything is paid for: the last stage would find
 * out only at the end of the night.
 *
 * @throws RedistillError `usage` naming the task, its tokens and the setting.
 */
export function requireFits(
  recipe: Recipe,
  tasks: TaskSets,
  prompts: StageInput["prompts"],
  model: ChatModel,
): void {
  const input = { recipe, tasks, prompts } as StageInput;
  const limit = recipe.model.contextTokens;
  const check = (task: Task, messages: readonly Message[], answer: number) => {
    const needed = model.countTokens(model.render(messages)) + answer;
    if (needed <= limit) return;
    throw new RedistillError(
      "usage",
      `this ${task.split} task and its answer need ${needed} tokens; model.contextTokens is ${limit}: ${task.prompt.slice(0, 80)}`,
      "Raise model.contextTokens, lower maxTokens, or shorten or remove the task.",
    );
  };
  const question = (task: Task) => studentMessages(prompts.student, task);
  const bare = (task: Task): Message[] => [{ role: "user", content: task.prompt }];
  for (const task of [...tasks.gate, ...tasks.sealed]) {
    check(task, question(task), recipe.student.maxTokens);
  }
  for (const task of tasks.retention) check(task, bare(task), recipe.retention?.maxTokens ?? 0);
  for (const task of tasks.replay) check(task, bare(task), recipe.curate.replay?.maxTokens ?? 0);
  // A second try holds the first answer, its critique and the words around them.
  const around = [prompts.critique, prompts.refine].map((prompt) =>
    prompt === null ? 0 : model.countTokens(`${prompt.system ?? ""}${prompt.user}`),
  );
  const second = Math.max(recipe.critique?.maxTokens ?? 0, recipe.refine?.maxTokens ?? 0);
  const rework = recipe.refine
    ? Math.max(...around) + (recipe.critique?.maxTokens ?? 0) + second
    : 0;
  for (const task of tasks.train) {
    check(task, teacherMessages(input, task), recipe.generate.maxTokens + rework);
  }
}
