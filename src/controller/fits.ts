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
export async function requireFits(
  recipe: Recipe,
  tasks: TaskSets,
  prompts: StageInput["prompts"],
  model: ChatModel,
): Promise<void> {
  const input = { recipe, tasks, prompts } as StageInput;
  const asked: { task: Task; text: string; answer: number }[] = [];
  const add = (task: Task, messages: readonly Message[], answer: number) =>
    asked.push({ task, text: model.render(messages), answer });
  const question = (task: Task) => studentMessages(prompts.student, task);
  const bare = (task: Task): Message[] => [{ role: "user", content: task.prompt }];
  for (const task of [...tasks.gate, ...tasks.sealed]) {
    add(task, question(task), recipe.student.maxTokens);
  }
  for (const task of tasks.retention) add(task, bare(task), recipe.retention?.maxTokens ?? 0);
  for (const task of tasks.replay) add(task, bare(task), recipe.curate.replay?.maxTokens ?? 0);
  const rework = await reworkTokens(recipe, prompts, model);
  const judging = await judgingTokens(recipe, prompts, model);
  for (const task of tasks.train) {
    add(task, teacherMessages(input, task), recipe.generate.maxTokens + rework);
    if (judging > 0) add(task, bare(task), judging);
  }
  const lengths = await model.countTokens(asked.map(({ text }) => text));
  const limit = recipe.model.contextTokens;
  for (const [index, { task, answer }] of asked.entries()) {
    const needed = lengths[index]! + answer;
    if (needed <= limit) continue;
    throw new RedistillError(
      "usage",
      `this ${task.split} task and its answer need ${needed} tokens; model.contextTokens is ${limit}: ${task.prompt.slice(0, 80)}`,
      "Raise model.contextTokens, lower maxTokens, or shorten or remove the task.",
    );
  }
}

/** A second try holds the first answer, its critique and the words around them. */
async function reworkTokens(
  recipe: Recipe,
  prompts: StageInput["prompts"],
  model: ChatModel,
): Promise<number> {
  if (!recipe.refine) return 0;
  const around = await model.countTokens(
    [prompts.critique, prompts.refine].map((prompt) =>
      prompt === null ? "" : `${prompt.system ?? ""}${prompt.user}`,
    ),
  );
  const critique = recipe.critique?.maxTokens ?? 0;
  return Math.max(...around) + critique + Math.max(critique, recipe.refine.maxTokens);
}

/** A judge reads one answer or two, says something, and may be asked for its verdict once more. */
async function judgingTokens(
  recipe: Recipe,
  { judge, rubric, repair }: StageInput["prompts"],
  model: ChatModel,
): Promise<number> {
  const { tasks } = recipe;
  const graded = "verifier" in tasks && tasks.verifier.kind === "rubric" ? tasks.verifier : null;
  const said = Math.max(recipe.judge?.maxTokens ?? 0, graded?.maxTokens ?? 0);
  const answer = Math.max(recipe.generate.maxTokens, recipe.refine?.maxTokens ?? 0);
  const texts = [judge, rubric, repair].map((prompt) =>
    prompt === null ? "" : `${prompt.system ?? ""}${prompt.user}`,
  );
  const [pairwise, single, again] = await model.countTokens(texts);
  const asked = Math.max(
    judge === null ? 0 : pairwise! + 2 * answer,
    rubric === null ? 0 : single! + answer,
  );
  return asked === 0 ? 0 : asked + again! + 2 * said;
}
