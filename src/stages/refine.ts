import type { Revision } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { answerKey, majority } from "../verifiers/index.js";
import { countVerdicts } from "./support/counts.js";
import { alsoAsked, byTask, requestFor } from "./support/requests.js";
import { type Draft, draftsToRewrite, idOf, rewriteMessages } from "./support/rewrites.js";
import { exceptUnanswered } from "./support/unanswered.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * The model rewrites its failed answers, several times each, with the critique in view, or with the
 * reference as a hint (rationalisation: Zelikman et al. 2022, STaR), or both.
 */
export async function refine(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, prompts } = input;
  const settings = recipe.refine;
  const prompt = prompts.refine;
  if (settings === null || prompt === null) return { rows: {}, summary: { revisions: 0 } };
  const rewrites = draftsToRewrite(input).flatMap((draft) => {
    const messages = rewriteMessages(input, prompt, draft);
    return Array.from({ length: settings.tries }, (_, index) => ({
      ...draft,
      index,
      request: {
        ...requestFor(messages, settings, recipe.seed, "refine", idOf(draft), index),
        ...alsoAsked(recipe),
      },
    }));
  });
  const completions = await ports.complete(
    rewrites.map(({ request }) => request),
    input.incumbent,
  );
  const answers = completions.map(({ text }) => text.trim());
  const checked =
    recipe.teacher.labels === "reference"
      ? await ports.verify(rewrites.map(({ task }, i) => ({ task, answer: answers[i]! })))
      : againstMajority(input, rewrites, answers);
  const verdicts = exceptUnanswered(checked, completions);
  const revisions = rewrites.map(
    (rewrite, position): Revision => ({
      id: stableId("revision", idOf(rewrite), prompt.hash, rewrite.index),
      attemptId: rewrite.attempt.id,
      critiqueId: rewrite.critique?.id ?? null,
      taskId: rewrite.task.id,
      index: rewrite.index,
      callKey: completions[position]!.callKey,
      answer: answers[position]!,
      truncated: completions[position]!.stopReason === "length",
      verdict: verdicts[position]!,
    }),
  );
  const usable = revisions.filter((r) => r.verdict.outcome === "ok" && !r.truncated);
  const fixed = new Set(usable.map((r) => r.taskId));
  return {
    rows: { revisions },
    summary: {
      revisions: revisions.length,
      ...countVerdicts(revisions),
      "tasks fixed": fixed.size,
    },
  };
}

/** Without references a revision is right when it says what most first attempts said. */
function againstMajority(
  input: StageInput,
  rewrites: readonly Draft[],
  answers: readonly string[],
): Revision["verdict"][] {
  const groups = byTask(input.rows.attempts);
  return rewrites.map(({ task }, position) => {
    const attempts = groups.get(task.id) ?? [];
    const vote = majority(
      task.verifier,
      attempts.map(({ answer, truncated }) => (truncated ? "" : answer)),
    );
    const key = answerKey(task.verifier, answers[position]!);
    const verifier = "majority";
    const decided = vote.key !== null && vote.share >= input.recipe.teacher.majorityShare;
    if (!decided || key === null) {
      const finding = decided
        ? "The answer holds nothing that can be compared."
        : "The answers to this task do not agree on one.";
      return { outcome: "ungradable", score: null, verifier, finding };
    }
    return key === vote.key
      ? { outcome: "ok", score: 1, verifier, finding: "The answer is the majority's." }
      : { outcome: "wrong", score: 0, verifier, finding: "The answer is not the majority's." };
  });
}
