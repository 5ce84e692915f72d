import type { Message } from "../../../core/entities.js";
import type { Memory } from "../../../core/memory.js";
import { type Prompt, renderPrompt } from "../../../core/prompt.js";
import type { StagePrompts } from "../../types.js";

/** How a memory comes into a question. Without one, questions are what they were. */

/** A solved task in the form of the student's question, as a turn of the conversation. */
export function exemplarTurn(
  student: Prompt,
  { prompt, answer }: { readonly prompt: string; readonly answer: string },
): Message[] {
  const asked = renderPrompt(student, { task: prompt });
  return [...asked.filter(({ role }) => role !== "system"), { role: "assistant", content: answer }];
}

/** What a memory tells before a question. */
export function lessonLines(memory: Memory | null): string[] {
  return (memory?.lessons ?? []).map(({ text }) => text);
}

/** The turns that stand before a question. */
export function exemplarTurns(student: Prompt, memory: Memory | null): Message[] {
  return (memory?.exemplars ?? []).flatMap((exemplar) => exemplarTurn(student, exemplar));
}

/**
 * A question with the lessons where the memory's prompt puts them: its text takes the place of the
 * user's message, its system message goes after the student's own.
 */
export function withLessons(
  { memory: prompt }: Pick<StagePrompts, "memory">,
  told: readonly string[],
  asked: readonly Message[],
): Message[] {
  if (told.length === 0 || prompt === null) return [...asked];
  const lessons = told.map((text) => `- ${text}`).join("\n");
  const contentOf = (messages: readonly Message[], wanted: Message["role"]) =>
    messages.filter(({ role }) => role === wanted).map(({ content }) => content);
  const recalled = renderPrompt(prompt, {
    lessons,
    question: contentOf(asked, "user").join("\n\n"),
  });
  const system = [...contentOf(asked, "system"), ...contentOf(recalled, "system")].join("\n\n");
  return [
    ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
    ...recalled.filter(({ role }) => role === "user"),
  ];
}
