import type { Message, Task } from "../../../core/entities.js";
import { sha256 } from "../../../core/hash.js";
import { type Prompt, renderPrompt } from "../../../core/prompt.js";
import type { StageInput } from "../../types.js";
import { teacherMessages } from "../requests.js";

/**
 * The prompts of a teacher that will be shown what comes up while training: rendered now, as the
 * engine does it, and cut where the trainer puts it in. Text and the name of what is put in by turns.
 */
export function teacherParts(
  input: StageInput,
  task: Task,
  render: (messages: readonly Message[]) => string,
): { solved: string[]; told: string[] } {
  // A mark that no task can hold by chance or on purpose.
  const nonce = sha256(["feedback", task.id, task.prompt]).slice(0, 32);
  const mark = (name: string) => `<${nonce}>${name}<${nonce}>`;
  const marks = Object.fromEntries(
    ["solution", "answer", "finding"].map((name) => [name, mark(name)]),
  );
  const parts = (prompt: Prompt | null) => {
    if (prompt === null) return [];
    const asked = renderPrompt(prompt, { task: task.prompt, ...marks });
    return render(teacherMessages(input, task, asked)).split(`<${nonce}>`);
  };
  return { solved: parts(input.prompts.solution), told: parts(input.prompts.feedback) };
}
