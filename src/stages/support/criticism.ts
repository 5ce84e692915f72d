import type { Attempt, Critique, Message, Task } from "../../core/entities.js";
import { type Prompt, renderPrompt } from "../../core/prompt.js";
import { wordsOf } from "../../core/prompt-output.js";
import type { StageInput } from "../types.js";
import { withLessons } from "./memory/recall.js";
import { conversation, recalledFor } from "./requests.js";
import { promptOf } from "./trial.js";
import { noVerifier } from "./unanswered.js";
import { mostFrequentFirst } from "./unsolved.js";

/** What stands for another attempt where a model gave one answer each time. */
const noOther = "(every attempt gave this same answer)";

/**
 * A prompt that names {{task}} is asked by itself, with what earlier runs learned of such tasks; any
 * other goes on after the answer.
 */
export function criticMessages(
  input: StageInput,
  prompt: Prompt,
  task: Task,
  attempt: Attempt,
): Message[] {
  const { answer, verdict } = attempt;
  const { teacher, generate } = input.recipe;
  const asked = renderPrompt(prompt, {
    task: task.prompt,
    answer,
    finding: verdict.finding,
    ...(generate.attempts > 1 ? { attempt: otherAnswer(input, attempt) } : {}),
    ...(teacher.hint ? { reference: task.reference ?? "" } : {}),
  });
  return prompt.variables.includes("task")
    ? withLessons(input.prompts, recalledFor(input, task), asked)
    : conversation(input, task, answer, asked);
}

/**
 * The most frequent other answer to the task, whatever its verdict: a critic is shown that tries
 * differ, not which of them is right.
 */
function otherAnswer(input: StageInput, { taskId, answer }: Attempt): string {
  const others = input.rows.attempts.filter(
    (other) =>
      other.taskId === taskId &&
      other.answer !== answer &&
      other.answer !== "" &&
      !other.truncated &&
      other.verdict.verifier !== noVerifier,
  );
  return mostFrequentFirst(others)[0]?.answer ?? noOther;
}

/** A critique as it is shown to whoever rewrites, or makes a lesson of it: its words without its verdict. */
export function critiqueWords(
  input: Pick<StageInput, "prompts">,
  critique: Pick<Critique, "says" | "text" | "promptHash">,
): string {
  const { says, text } = critique;
  const prompt = promptOf(input, critique);
  return prompt === null || says === "ungradable" ? text : wordsOf(prompt.output, text);
}
