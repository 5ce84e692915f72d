import type { CallRequest, Message, Task } from "../../core/entities.js";
import { seedFor } from "../../core/hash.js";
import type { Memory } from "../../core/memory.js";
import { type Prompt, renderPrompt } from "../../core/prompt.js";
import type { SamplingSettings } from "../../core/recipe.js";
import type { StageInput, StagePrompts } from "../types.js";
import { exemplarTurn, exemplarTurns, lessonLines, withLessons } from "./memory/recall.js";

/** A request whose randomness depends on the recipe's seed and the item alone, not on run or order. */
export function requestFor(
  messages: readonly Message[],
  settings: SamplingSettings,
  ...seedParts: (string | number)[]
): CallRequest {
  const { temperature, topP, topK, minP, maxTokens } = settings;
  const seed = seedFor(...seedParts);
  return { messages, sampling: { temperature, topP, topK, minP, maxTokens, seed } };
}

/** What is asked of the teacher's answers besides their text: probabilities, where they are learned from. */
export function alsoAsked({ retrain }: StageInput["recipe"]): Pick<CallRequest, "topLogprobs"> {
  return retrain.method === "distill" ? { topLogprobs: retrain.topLogprobs } : {};
}

/** The sampling of every evaluation: greedy, so that both models are asked the same way. */
export function greedy(maxTokens: number): SamplingSettings {
  return { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens };
}

/** The bare question to the student: what is trained on, and asked where nothing is remembered. */
export function studentMessages(prompt: Prompt, task: Pick<Task, "prompt">): Message[] {
  return renderPrompt(prompt, { task: task.prompt });
}

/** The question as the student is asked it at test time: after what it remembers. */
export function studentQuestion(
  prompts: Pick<StagePrompts, "student" | "memory">,
  memory: Memory | null,
  task: Pick<Task, "prompt">,
): Message[] {
  const asked = withLessons(prompts, lessonLines(memory), studentMessages(prompts.student, task));
  return afterSystem(asked, exemplarTurns(prompts.student, memory));
}

/** Messages with others put between the system's and the rest. */
function afterSystem(messages: readonly Message[], shown: readonly Message[]): Message[] {
  const isSystem = ({ role }: Message) => role === "system";
  return [...messages.filter(isSystem), ...shown, ...messages.filter((each) => !isSystem(each))];
}

/** What earlier runs learned that the teacher of a task is told in this round. */
export function recalledFor({ rows }: Pick<StageInput, "rows">, { id }: Task): string[] {
  return rows.recalled
    .filter(({ taskId, shown }) => shown && taskId === id)
    .map(({ text }) => text);
}

/**
 * A question with solved ones before it: the incumbent's, which it remembers, and the teacher's, in
 * the student's own form. Lessons of earlier runs stand in any question to the teacher, those that
 * the incumbent remembers in the student's.
 *
 * @param question What is asked of the teacher; by default what the student is asked.
 */
export function teacherMessages(
  input: StageInput,
  task: Task,
  question?: readonly Message[],
): Message[] {
  const { prompts, recipe, tasks } = input;
  const memory = input.incumbent?.memory ?? null;
  const recalled = recalledFor(input, task);
  const remembered = lessonLines(memory);
  const told = [...remembered, ...recalled.filter((line) => !remembered.includes(line))];
  const students = withLessons(prompts, told, studentMessages(prompts.student, task));
  const asked = question === undefined ? students : withLessons(prompts, recalled, question);
  const own = asked.filter((message) => message.role === "system");
  const system = own.length > 0 ? own : students.filter(({ role }) => role === "system");
  const rest = asked.filter((message) => message.role !== "system");
  const shown = tasks.train
    .slice(0, recipe.teacher.exemplars)
    .flatMap(({ prompt, reference }) =>
      exemplarTurn(prompts.student, { prompt, answer: reference ?? "" }),
    );
  return [...system, ...exemplarTurns(prompts.student, memory), ...shown, ...rest];
}

/** A second question in the conversation in which an answer was given; its beginning is shared. */
export function conversation(
  input: StageInput,
  task: Task,
  answer: string,
  asked: readonly Message[],
): Message[] {
  const said: Message = { role: "assistant", content: answer };
  return [...teacherMessages(input, task), said, ...asked.filter(({ role }) => role === "user")];
}

/** The elicited tasks of a round, in their order. */
export function elicitedTasks(input: StageInput): Task[] {
  const byId = new Map(input.tasks.train.map((task) => [task.id, task]));
  return input.rows.elicited.map((id) => byId.get(id) as Task);
}

/** Items under their task, tasks in the order in which they first appear. */
export function byTask<T extends { readonly taskId: string }>(
  items: readonly T[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.taskId);
    if (group === undefined) groups.set(item.taskId, [item]);
    else group.push(item);
  }
  return groups;
}
