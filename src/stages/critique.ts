import type { Attempt, Critique, Message, Task } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { type Prompt, renderPrompt } from "../core/prompt.js";
import { conversation, requestFor } from "./support/requests.js";
import { failuresToRework } from "./support/unsolved.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/** The model says what is wrong with its own failed answers; it is told what the verifier found. */
export async function critique(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, prompts } = input;
  const settings = recipe.critique;
  const prompt = prompts.critique;
  if (settings === null || prompt === null) return { rows: {}, summary: { critiques: 0 } };
  const failures = failuresToRework(input, settings.perTask);
  const completions = await ports.complete(
    failures.map(({ task, attempt }) =>
      requestFor(
        criticMessages(input, prompt, task, attempt),
        settings,
        recipe.seed,
        "critique",
        attempt.id,
      ),
    ),
    input.incumbent?.weights ?? null,
  );
  const critiques = failures.flatMap(({ task, attempt }, position): Critique[] => {
    const { callKey, text, unanswered } = completions[position]!;
    // Nothing was said of this attempt, so that there is nothing to rewrite it by.
    if (unanswered !== undefined) return [];
    return [
      {
        id: stableId("critique", attempt.id, prompt.hash),
        attemptId: attempt.id,
        taskId: task.id,
        callKey,
        promptHash: prompt.hash,
        text: text.trim(),
      },
    ];
  });
  const tasks = new Set(critiques.map(({ taskId }) => taskId));
  return { rows: { critiques }, summary: { critiques: critiques.length, tasks: tasks.size } };
}

/** A prompt that names {{task}} is asked by itself, any other goes on after the answer. */
function criticMessages(
  input: StageInput,
  prompt: Prompt,
  task: Task,
  { answer, verdict }: Attempt,
): Message[] {
  const asked = renderPrompt(prompt, { task: task.prompt, answer, finding: verdict.finding });
  return prompt.variables.includes("task") ? asked : conversation(input, task, answer, asked);
}
