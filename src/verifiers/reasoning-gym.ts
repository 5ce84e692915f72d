import type { Task } from "../core/entities.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { canonicalJson } from "../core/hash.js";
import { type Check, NOT_EXPECTED, ok, ungradable, wrong } from "./verdict.js";

/** One answer to a reasoning-gym entry. */
export interface ReasoningGymItem {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly answer: string;
}

/** Scores answers with reasoning-gym's own code; one number in [0, 1] per item, in order, or null. */
export interface ReasoningGymScorer {
  score(
    dataset: string,
    config: Readonly<Record<string, unknown>>,
    items: readonly ReasoningGymItem[],
  ): Promise<(number | null)[]>;
}

interface Group {
  readonly dataset: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly items: ReasoningGymItem[];
  readonly positions: number[];
}

/**
 * Scores every item, with one call per (dataset, config). A full score is ok, anything less is wrong
 * and keeps its partial credit. A scorer that fails is an error of the run, never of the answer.
 */
export async function checkReasoningGym(
  pairs: readonly { task: Task; answer: string }[],
  scorer: ReasoningGymScorer | undefined,
): Promise<Check[]> {
  const checks: Check[] = pairs.map(() => ungradable("The task carries no reasoning-gym entry."));
  const groups = new Map<string, Group>();
  for (const [position, { task, answer }] of pairs.entries()) {
    const { dataset, config, entry } = task.metadata ?? {};
    if (typeof dataset !== "string" || !isRecord(entry)) continue;
    const settings = isRecord(config) ? config : {};
    const key = canonicalJson([dataset, settings]);
    const group = groups.get(key) ?? { dataset, config: settings, items: [], positions: [] };
    groups.set(key, group);
    group.items.push({ entry, answer: taggedAnswer(answer) });
    group.positions.push(position);
  }
  for (const { dataset, config, items, positions } of groups.values()) {
    const scores = await scored(scorer, dataset, config, items);
    for (const [i, position] of positions.entries()) {
      const score = scores[i] ?? null;
      checks[position] =
        score === null ? ungradable("The answer could not be scored.") : full(score);
    }
  }
  return checks;
}

/** What stands in the last `<answer>…</answer>`, as reasoning-gym's own prompts ask; else everything. */
export function taggedAnswer(answer: string): string {
  const close = answer.lastIndexOf("</answer>");
  const open = answer.lastIndexOf("<answer>", close);
  return close > open && open !== -1 ? answer.slice(open + 8, close).trim() : answer.trim();
}

function full(raw: number): Check {
  const score = Math.min(1, Math.max(0, raw));
  if (score === 1) return ok("The answer is the expected one.");
  return wrong(score > 0.1 ? "The answer is only partly right." : NOT_EXPECTED, score);
}

async function scored(
  scorer: ReasoningGymScorer | undefined,
  dataset: string,
  config: Readonly<Record<string, unknown>>,
  items: readonly ReasoningGymItem[],
): Promise<(number | null)[]> {
  const hint =
    "Install reasoning-gym for the trainer's Python, or use tasks with another verifier.";
  if (scorer === undefined) {
    throw new RedistillError("setup", `${dataset}: no reasoning-gym scorer is set up`, hint);
  }
  let scores: (number | null)[];
  try {
    scores = await scorer.score(dataset, config, items);
  } catch (error) {
    if (error instanceof RedistillError) throw error;
    const message = `${dataset}: reasoning-gym could not score: ${messageOf(error)}`;
    throw new RedistillError("setup", message, hint, { cause: error });
  }
  if (
    scores.length !== items.length ||
    !scores.every((score) => score === null || Number.isFinite(score))
  ) {
    const message = `${dataset}: reasoning-gym gave ${scores.length} scores for ${items.length} answers, or one that is no number`;
    throw new RedistillError("internal", message, "Check the version of reasoning-gym.");
  }
  return scores;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
