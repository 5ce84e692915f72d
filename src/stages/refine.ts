import type { Attempt, Critique, Message, Revision, Task } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { type Prompt, renderPrompt } from "../core/prompt.js";
import { answerKey, majority } from "../verifiers/index.js";
import { countVerdicts } from "./support/counts.js";
import {
  byTask,
  conversation,
  elicitedTasks,
  requestFor,
  teacherMessages,
} from "./support/requests.js";
import { exceptUnanswered } from "./support/unanswered.js";
import { failuresToRework } from "./support/unsolved.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

interface Draft {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly critique: Critique | null;
}

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
      request: requestFor(messages, settings, recipe.seed, "refine", idOf(draft), index),
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

/**
 * A prompt that names {{task}} is asked after the teacher's exemplars, like a question of its own;
 * any other goes on after the failed answer.
 */
function rewriteMessages(input: StageInput, prompt: Prompt, draft: Draft): Message[] {
  const { task, attempt, critique } = draft;
  const asked = renderPrompt(prompt, {
    task: task.prompt,
    answer: attempt.answer,
    finding: attempt.verdict.finding,
    ...(critique ? { critique: critique.text } : {}),
    ...(input.recipe.teacher.hint ? { reference: task.reference ?? "" } : {}),
  });
  return prompt.variables.includes("task")
    ? teacherMessages(input, task, asked)
    : conversation(input, task, attempt.answer, asked);
}

function idOf({ attempt, critique }: Draft): string {
  return critique?.id ?? attempt.id;
}

/** With a critique stage what it criticised, otherwise each failed task's commonest failure. */
function draftsToRewrite(input: StageInput): Draft[] {
  if (input.recipe.critique === null) {
    return failuresToRework(input, 1).map((failure) => ({ ...failure, critique: null }));
  }
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  const attempts = new Map(input.rows.attempts.map((attempt) => [attempt.id, attempt]));
  return input.rows.critiques.map((critique) => ({
    task: tasks.get(critique.taskId) as Task,
    attempt: attempts.get(critique.attemptId) as Attempt,
    critique,
  }));
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
