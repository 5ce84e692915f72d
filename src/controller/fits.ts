import type { Message, Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { lessonTokens } from "../core/memory.js";
import { hasOwnModel, modelOf, type Role } from "../core/model.js";
import type { ChatModel, RoleModels } from "../core/ports.js";
import { renderPrompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { memorySettings } from "../core/retrain.js";
import { emptyRound } from "../core/round.js";
import { criticMessages } from "../stages/support/criticism.js";
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
  models: RoleModels,
): Promise<void> {
  const earlier = {
    earlierExamples: [],
    earlierLessons: [],
    earlierClusters: [],
    earlierLooks: [],
  };
  const nothing = { incumbent: null, candidate: null, plannedTasks: null, ...earlier };
  const input: StageInput = { recipe, tasks, prompts, round: 1, rows: emptyRound, ...nothing };
  const asked: Asked[] = [];
  const add = (task: Task, messages: readonly Message[], answer: number, role: Role = "student") =>
    asked.push({ task, text: models[role].render(messages), answer, role });
  const question = (task: Task) => studentMessages(prompts.student, task);
  const bare = (task: Task): Message[] => [{ role: "user", content: task.prompt }];
  // What a candidate will remember is not known yet, but how long it may be.
  const remembered = memorySettings(recipe)?.tokens ?? 0;
  const recalled = recipe.longTerm?.read ? recipe.longTerm.tokens : 0;
  for (const task of [...tasks.gate, ...tasks.sealed]) {
    add(task, question(task), recipe.student.maxTokens + remembered);
  }
  for (const task of tasks.retention) add(task, bare(task), recipe.retention?.maxTokens ?? 0);
  for (const task of tasks.replay) add(task, bare(task), recipe.curate.replay?.maxTokens ?? 0);
  const rework = await reworkTokens(recipe, prompts, models.teacher);
  const judging = await judgingTokens(recipe, prompts, models.judge);
  for (const task of tasks.train) {
    add(
      task,
      teacherMessages(input, task),
      recipe.generate.maxTokens + rework + remembered + recalled,
      "teacher",
    );
    const lesson = lessonQuestion(input, task);
    if (lesson) add(task, lesson.messages, lesson.tokens);
    const criticised = critiqueQuestion(input, task);
    if (criticised) add(task, criticised.messages, criticised.tokens + recalled, "critic");
    if (judging > 0) add(task, bare(task), judging, "judge");
  }
  for (const role of ["student", "teacher", "critic", "judge"] as const) {
    const own = asked.filter((each) => each.role === role);
    const lengths = await models[role].countTokens(own.map(({ text }) => text));
    const limit = modelOf(recipe, role).contextTokens;
    const setting = `${role === "student" || !hasOwnModel(recipe, role) ? "model" : `roles.${role}`}.contextTokens`;
    for (const [index, { task, answer }] of own.entries()) {
      const needed = lengths[index]! + answer;
      if (needed <= limit) continue;
      const told = remembered + (task.split === "train" ? recalled : 0);
      throw new RedistillError(
        "usage",
        `this ${task.split} task and its answer need ${needed} tokens${told > 0 ? ` with ${told} for what is remembered` : ""}; ${setting} is ${limit}: ${task.prompt.slice(0, 80)}`,
        `Raise ${setting}, lower maxTokens${told > 0 ? " or the memory's tokens" : ""}, or shorten or remove the task.`,
      );
    }
  }
}

/** A question, and whose model it is put to. */
interface Asked {
  readonly task: Task;
  readonly text: string;
  readonly answer: number;
  readonly role: Role;
}

/** What a critic reads, with room for the answers that it is shown; null where none is asked. */
function critiqueQuestion(
  input: StageInput,
  task: Task,
): { messages: Message[]; tokens: number } | null {
  const { critique, generate } = input.recipe;
  const prompt = input.prompts.critique;
  if (!critique || !prompt || prompt.output === "none") return null;
  const verdict = { outcome: "wrong", score: 0, verifier: "", finding: "" } as const;
  const attempt = { id: "", taskId: task.id, index: 0, callKey: "", answer: "", truncated: false };
  const shown = prompt.variables.includes("attempt") ? 2 : 1;
  const alone = prompt.variables.includes("task");
  const remembered = alone ? 0 : (memorySettings(input.recipe)?.tokens ?? 0);
  return {
    messages: criticMessages(input, prompt, task, { ...attempt, verdict }),
    tokens: shown * generate.maxTokens + critique.maxTokens + remembered,
  };
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
