import type { Attempt, Critique, Revision, Task } from "../../../core/entities.js";
import { stableId } from "../../../core/hash.js";
import { type DistilledLesson, lessonTokens } from "../../../core/memory.js";
import { renderPrompt } from "../../../core/prompt.js";
import type { StageInput, StagePorts } from "../../types.js";
import { critiqueWords } from "../criticism.js";
import { heldOutTwins } from "../held-out.js";
import { elicitedTasks, greedy, requestFor } from "../requests.js";

/** A failed attempt with the critique by which it was put right. */
interface Mended {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly critique: Critique;
  readonly revision: Revision;
}

/**
 * The model makes a rule of each of its critiques that led to a right revision: one line, greedily.
 * What could give a held-out task away, or is no rule, is kept with the reason and never remembered.
 */
export async function distilLessons(
  input: StageInput,
  ports: Pick<StagePorts, "complete">,
): Promise<DistilledLesson[]> {
  const prompt = input.prompts.distil;
  const mended = prompt === null ? [] : mendedAttempts(input);
  if (prompt === null || mended.length === 0) return [];
  const completions = await ports.complete(
    mended.map(({ task, attempt, critique, revision }) => {
      const { answer } = attempt;
      const values = { task: task.prompt, answer, critique: critiqueWords(input, critique) };
      return requestFor(
        renderPrompt(prompt, { ...values, revision: revision.answer }),
        greedy(lessonTokens),
        "distil",
      );
    }),
    input.incumbent?.weights ?? null,
  );
  const lines = completions.map(({ text, stopReason }) => lineOf(text, stopReason === "length"));
  const twins = heldOutTwins(input, [
    ...mended.map(({ task }) => ({ id: task.id, text: task.prompt })),
    ...lines.map((text, position) => ({ id: `line ${position}`, text })),
  ]);
  return mended.map(({ task, attempt, critique, revision }, position) => {
    const text = lines[position]!;
    const twin = twins.get(task.id) ?? twins.get(`line ${position}`);
    const { callKey } = completions[position]!;
    const refused =
      twin === undefined
        ? whyNoRule(text, answersOf(input, task, revision))
        : `resembles held-out task ${twin}`;
    return {
      id: stableId("lesson", critique.id, revision.id, prompt.hash),
      round: input.round,
      ...{ taskId: task.id, attemptId: attempt.id, critiqueId: critique.id },
      ...{ revisionId: revision.id, callKey, text, refused },
    };
  });
}

/** For each critique the first right and whole revision that was written with it in view. */
function mendedAttempts(input: StageInput): Mended[] {
  const { attempts, critiques, revisions } = input.rows;
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  const drafts = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  return critiques.flatMap((critique) => {
    const revision = revisions.find(
      ({ critiqueId, verdict, truncated }) =>
        critiqueId === critique.id && verdict.outcome === "ok" && !truncated,
    );
    const task = tasks.get(critique.taskId);
    const attempt = drafts.get(critique.attemptId);
    return revision && task && attempt ? [{ task, attempt, critique, revision }] : [];
  });
}

/**
 * The first line that says something, without the mark of a list or quotes around it. Of one that
 * was cut off the sentences that are whole are left.
 */
function lineOf(text: string, cutOff: boolean): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const position = lines.findIndex((line) => /[\p{L}\p{N}]/u.test(line));
  const first = lines[position] ?? "";
  const whole = cutOff && position === lines.length - 1 ? sentences.exec(first)?.[0] : first;
  return (whole ?? "")
    .replace(/^(?:[-*•]|\d+[.)])\s+/u, "")
    .replace(/^["“](.*)["”]$/u, "$1")
    .trim();
}

/** Up to the last end of a sentence; the number of a list is none. */
const sentences = /^.*\p{L}["”)]?[.!?](?=\s|$)/u;

/** What a lesson may not hold: the revision, and the reference where the loop may see it. */
function answersOf({ recipe }: StageInput, { reference }: Task, { answer }: Revision): string[] {
  const known = recipe.teacher.labels === "reference" && reference !== null ? [reference] : [];
  // A letter or two digits stand in many a sentence.
  return [answer, ...known].filter((each) => each.length > 2);
}

/** Why a line is nothing to remember; null if it may be. */
function whyNoRule(text: string, answers: readonly string[]): string | null {
  if (text === "") return "says nothing whole";
  return answers.some((answer) => text.includes(answer)) ? "holds the answer of its task" : null;
}
