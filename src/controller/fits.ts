import type { Message, Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { lessonTokens } from "../core/memory.js";
import type { ChatModel } from "../core/ports.js";
import { renderPrompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { memorySettings } from "../core/retrain.js";
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
  // What a candidate will remember is not known yet, but how long it may be.
  const remembered = memorySettings(recipe)?.tokens ?? 0;
  for (const task of [...tasks.gate, ...tasks.sealed]) {
    add(task, question(task), recipe.student.maxTokens + remembered);
  }
  for (const task of tasks.retention) add(task, bare(task), recipe.retention?.maxTokens ?? 0);
  for (const task of tasks.replay) add(task, bare(task), recipe.curate.replay?.maxTokens ?? 0);
  const rework = await reworkTokens(recipe, prompts, model);
  for (const task of tasks.train) {
    add(task, teacherMessages(input, task), recipe.generate.maxTokens + rework + remembered);
    const lesson = lessonQuestion(input, task);
    if (lesson) add(task, lesson.messages, lesson.tokens);
  }
  const lengths = await model.countTokens(asked.map(({ text }) => text));
  const limit = recipe.model.contextTokens;
  for (const [index, { task, answer }] of asked.entries()) {
    const needed = lengths[index]! + answer;
    if (needed <= limit) continue;
    throw new RedistillError(
      "usage",
      `this ${task.split} task and its answer need ${needed} tokens${remembered > 0 ? ` with ${remembered} for what is remembered` : ""}; model.contextTokens is ${limit}: ${task.prompt.slice(0, 80)}`,
      `Raise model.contextTokens, lower maxTokens${remembered > 0 ? " or the memory's tokens" : ""}, or shorten or remove the task.`,
    );
  }
}

/** A critique is made a lesson with both answers in view; null where no lessons are made. */
function lessonQuestion(
  { recipe, prompts }: StageInput,
  task: Task,
): { messages: Message[]; tokens: number } | null {
  const { critique, refine, generate } = recipe;
  if (!prompts.distil || !critique || !refine) return null;
  const none = { answer: "", critique: "", revision: "" };
  return {
    messages: renderPrompt(prompts.distil, { task: task.prompt, ...none }),
    tokens: generate.maxTokens + critique.maxTokens + refine.maxTokens + lessonTokens,
  };
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
