import type { Memory } from "../core/memory.js";
import { studentQuestion } from "../stages/support/requests.js";
import type { StagePrompts } from "../stages/types.js";

/** Stands where a task goes; not the name of a variable, which a task could hold as well. */
const place = "{{task}}";

/**
 * A memory as other programs can use it: the messages of every question, with `{{task}}` where the
 * task goes, for a chat API (messages.json) and for reading or pasting into a system prompt (memory.md).
 */
export function memoryFiles(prompts: StagePrompts, memory: Memory): Record<string, string> {
  const messages = studentQuestion(prompts, memory, { prompt: place });
  const blocks = messages.map(({ role, content }) => `## ${role}\n\n${content}\n`);
  return {
    "messages.json": `${JSON.stringify(messages, null, 2)}\n`,
    "memory.md": `${blocks.join("\n")}`,
  };
}
