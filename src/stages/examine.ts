import type { Task } from "../core/entities.js";
import type { ExaminationKind, Examined, Mended } from "../core/examination.js";
import { seedFor, stableId } from "../core/hash.js";
import { readCritique, schemaOf } from "../core/prompt-output.js";
import { randomFrom, shuffled } from "../core/random.js";
import { criticMessages } from "./support/criticism.js";
import { withMistake } from "./support/mistakes.js";
import { elicitedTasks, requestFor } from "./support/requests.js";
import { rewriteMessages } from "./support/rewrites.js";
import { exceptUnanswered } from "./support/unanswered.js";
import { uncheckedAttempt } from "./support/unchecked.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

interface Item {
  readonly task: Task;
  readonly kind: ExaminationKind;
  readonly answer: string;
}

/**
 * The critic is tried as a detector: answers that are right, wrong, or have a mistake put in, and it is not told
 * which. Where the recipe has no critique the answers are taken all the same, so that `mend` rewrites the same ones.
 */
export async function examine(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, prompts, round } = input;
  if (recipe.examine === null) return { rows: {}, summary: { examined: 0 } };
  const items = await itemsOf(input, ports);
  const prompt = prompts.critique;
  const settings = recipe.critique;
  const idOf = ({ task, kind, answer }: Item) =>
    stableId("examined", round, task.id, kind, answer, prompt?.hash ?? null);
  if (settings === null || prompt === null || prompt.output === "none") {
    const silent = { callKey: null, text: "", says: null, confidence: null };
    const examined = items.map((item): Examined => ({ ...row(item), id: idOf(item), ...silent }));
    return { rows: { examined }, summary: counts(examined) };
  }
  const schema = ports.holdsSchema ? schemaOf(prompt.output) : null;
  const completions = await ports.complete(
    items.map((item) => ({
      ...requestFor(
        criticMessages(input, prompt, item.task, uncheckedAttempt(item)),
        settings,
        ...[recipe.seed, "examine", item.task.id, item.kind],
      ),
      ...(schema === null ? {} : { schema }),
    })),
    input.incumbent?.weights ?? null,
  );
  const examined = items.map((item, position): Examined => {
    const { callKey, text, stopReason } = completions[position]!;
    const reading = readCritique(prompt.output, text, stopReason === "end");
    return { ...row(item), id: idOf(item), callKey, text: text.trim(), ...reading };
  });
  return { rows: { examined }, summary: counts(examined) };
}

/** Each of these answers is rewritten once after its critique: what was wrong may be fixed, what was right broken. */
export async function mend(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, prompts, tasks } = input;
  const prompt = prompts.refine;
  const settings = recipe.refine;
  if (recipe.examine === null || settings === null || prompt === null) {
    return { rows: {}, summary: { mended: 0 } };
  }
  const byId = new Map(tasks.train.map((task) => [task.id, task]));
  const drafts = input.rows.examined.map((examined) => {
    const { taskId, kind, answer, callKey, text, says, confidence } = examined;
    const task = byId.get(taskId)!;
    const attempt = uncheckedAttempt({ task, kind, answer });
    const critique =
      callKey === null
        ? null
        : {
            ...{ id: examined.id, attemptId: attempt.id, taskId, callKey, text, says, confidence },
            promptHash: prompts.critique?.hash ?? "",
          };
    return { examined, task, attempt, critique };
  });
  const completions = await ports.complete(
    drafts.map(({ examined, ...draft }) =>
      requestFor(
        rewriteMessages(input, prompt, draft),
        settings,
        ...[recipe.seed, "mend", examined.taskId, examined.kind],
      ),
    ),
    input.incumbent?.weights ?? null,
  );
  const answers = completions.map(({ text }) => text.trim());
  const checked = await ports.verify(
    drafts.map(({ task }, position) => ({ task, answer: answers[position]! })),
  );
  const verdicts = exceptUnanswered(checked, completions);
  const mended = drafts.map(
    ({ examined }, position): Mended => ({
      examinedId: examined.id,
      callKey: completions[position]!.callKey,
      answer: answers[position]!,
      verdict: verdicts[position]!,
    }),
  );
  const right = (kinds: readonly ExaminationKind[]) =>
    mended.filter(
      ({ verdict }, position) =>
        kinds.includes(drafts[position]!.examined.kind) && verdict.outcome === "ok",
    ).length;
  const of = (kinds: readonly ExaminationKind[]) =>
    drafts.filter(({ examined }) => kinds.includes(examined.kind)).length;
  const bad = ["wrong", "planted"] as const;
  const summary = {
    fixed: `${right(bad)}/${of(bad)}`,
    broken: `${of(["right"]) - right(["right"])}/${of(["right"])}`,
  };
  return { rows: { mended }, summary };
}

/** One answer of each task at most, by lot; the planted ones are of tasks whose attempts are not taken. */
async function itemsOf(input: StageInput, ports: StagePorts): Promise<Item[]> {
  const { recipe, round, rows } = input;
  const { right, wrong, planted } = recipe.examine!;
  const seed = (...parts: string[]) => seedFor(recipe.seed, "examine", round, ...parts);
  const tasks = shuffled(elicitedTasks(input), seed("tasks"));
  const taken = new Set<string>();
  const chosen = (kind: "right" | "wrong", count: number): Item[] => {
    const found: Item[] = [];
    for (const task of tasks) {
      if (found.length === count) break;
      if (taken.has(task.id)) continue;
      const outcome = kind === "right" ? "ok" : "wrong";
      const answers = rows.attempts.filter(
        (each) =>
          each.taskId === task.id &&
          each.verdict.outcome === outcome &&
          !each.truncated &&
          each.answer !== "",
      );
      const answer = shuffled(answers, seed(kind, task.id))[0]?.answer;
      if (answer === undefined) continue;
      taken.add(task.id);
      found.push({ task, kind, answer });
    }
    return found;
  };
  const real = [...chosen("right", right), ...chosen("wrong", wrong)];
  const mistaken = tasks.flatMap((task): Item[] => {
    if (taken.has(task.id) || !task.reference) return [];
    const answer = withMistake(task.reference, randomFrom(seed("planted", task.id)));
    return answer === null ? [] : [{ task, kind: "planted", answer }];
  });
  // A change that the verifier does not mind is no mistake.
  const verdicts = await ports.verify(mistaken);
  const wrongOnes = mistaken.filter((_, position) => verdicts[position]!.outcome === "wrong");
  return [...real, ...wrongOnes.slice(0, planted)];
}

function row({ task, kind, answer }: Item) {
  return { taskId: task.id, kind, answer };
}

function counts(examined: readonly Examined[]) {
  const kinds = ["right", "wrong", "planted"] as const;
  return Object.fromEntries(
    kinds.map((kind) => {
      const of = examined.filter((each) => each.kind === kind);
      const asked = of.filter(({ says }) => says !== null);
      const called = asked.filter(({ says }) => says === "wrong").length;
      return [kind, asked.length === 0 ? of.length : `${called}/${of.length} called wrong`];
    }),
  );
}
