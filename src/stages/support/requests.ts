import type { CallRequest, Message, Task } from "../../core/entities.js";
import { seedFor } from "../../core/hash.js";
import { type Prompt, renderPrompt } from "../../core/prompt.js";
import type { SamplingSettings } from "../../core/recipe.js";
import type { StageInput } from "../types.js";

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

/** The question as the student is asked it, at training and at test time. */
export function studentMessages(prompt: Prompt, task: Pick<Task, "prompt">): Message[] {
  return renderPrompt(prompt, { task: task.prompt });
}

/**
 * A question with solved ones before it: the teacher's exemplars, in the student's own form.
 *
 * @param question What is asked of the teacher; by default what the student is asked.
 */
export function teacherMessages(
  input: StageInput,
  task: Task,
  question: readonly Message[] = studentMessages(input.prompts.student, task),
): Message[] {
  const own = question.filter((message) => message.role === "system");
  const students = studentMessages(input.prompts.student, task).filter((m) => m.role === "system");
  const system = own.length > 0 ? own : students;
  const rest = question.filter((message) => message.role !== "system");
  const shown = input.tasks.train
    .slice(0, input.recipe.teacher.exemplars)
    .flatMap((exemplar): Message[] => [
      ...studentMessages(input.prompts.student, exemplar).filter((m) => m.role !== "system"),
      { role: "assistant", content: exemplar.reference ?? "" },
    ]);
  return [...system, ...shown, ...rest];
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
