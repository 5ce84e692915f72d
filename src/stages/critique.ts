import type { Critique } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { readCritique, schemaOf } from "../core/prompt-output.js";
import type { StageSummary } from "../core/round.js";
import { criticMessages } from "./support/criticism.js";
import { requestFor } from "./support/requests.js";
import { criticised } from "./support/trial.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * The model says what is wrong with its own failed answers; it is told what its prompt shows. A
 * prompt with `output: none` says nothing: the same answers are rewritten without a critique.
 */
export async function critique(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, prompts } = input;
  const settings = recipe.critique;
  const speaks = [prompts.critique, prompts.trial].some((each) => each && each.output !== "none");
  if (settings === null || !speaks) return { rows: {}, summary: { critiques: 0 } };
  const failures = criticised(input).filter(({ prompt }) => prompt.output !== "none");
  const completions = await ports.complete(
    failures.map(({ task, attempt, prompt }) => {
      const schema = ports.holdsSchema ? schemaOf(prompt.output) : null;
      return {
        ...requestFor(
          criticMessages(input, prompt, task, attempt),
          settings,
          recipe.seed,
          "critique",
          attempt.id,
        ),
        ...(schema === null ? {} : { schema }),
      };
    }),
    input.incumbent?.weights ?? null,
  );
  const critiques = failures.flatMap(({ task, attempt, prompt }, position): Critique[] => {
    const { callKey, text, stopReason, unanswered } = completions[position]!;
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
        ...readCritique(prompt.output, text, stopReason === "end"),
      },
    ];
  });
  const tasks = new Set(critiques.map(({ taskId }) => taskId));
  const summary = { critiques: critiques.length, tasks: tasks.size, ...said(critiques) };
  return { rows: { critiques }, summary };
}

/** How many said what, where they were asked. All that is criticised here has failed. */
function said(critiques: readonly Critique[]): StageSummary {
  const asked = critiques.filter(({ says }) => says !== null);
  if (asked.length === 0) return {};
  const count = (what: Critique["says"]) => asked.filter(({ says }) => says === what).length;
  return {
    "say wrong": count("wrong"),
    "say right": count("right"),
    unsure: count("unsure"),
    ungradable: count("ungradable"),
  };
}
