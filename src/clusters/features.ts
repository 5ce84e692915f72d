import type { FailedOutcome } from "../core/cluster.js";
import { shinglesOf, tokensOf } from "../core/shingles.js";
import { placesOf, reasonKey, reasonOf } from "./reason.js";

/** Tokens of a text that are looked at: what went wrong shows early, and runaway answers are long. */
const mostTokens = 200;

/** An attempt that was not right, with all that is compared of it. */
export interface Failure {
  readonly id: string;
  readonly taskId: string;
  readonly outcome: FailedOutcome;
  readonly verifier: string;
  readonly finding: string;
  readonly answer: string;
  /** The first wrong step, as the critique of this attempt named it; null without one. */
  readonly step: string | null;
  /** The task's prompt. */
  readonly prompt: string;
}

/** How much each part counts: what a verifier knows more than what a critic says, and that more than where it happened. */
const partWeights = { places: 4, step: 2, answer: 1, prompt: 1 } as const;
type Part = keyof typeof partWeights;
const parts = Object.keys(partWeights) as Part[];

/** A failure as sets of weighted features; a part that tells nothing is absent. */
export interface Features {
  readonly id: string;
  readonly key: string;
  readonly reason: string;
  readonly bags: Readonly<Partial<Record<Part, Bag>>>;
}

interface Bag {
  readonly weights: ReadonlyMap<string, number>;
  readonly total: number;
}

/** From 0 for what every task of the run says to 1 for what none does. */
export type Telling = (shingle: string) => number;

/**
 * How telling a shingle is, by the training tasks of a run: 1 - ln(1 + tasks with it) / ln(1 + tasks), inverse document
 * frequency (Spärck Jones 1972) on a scale from 0 to 1. The tasks are the same in all rounds, so that a failure's
 * features never change.
 */
export function tellingBy(prompts: readonly string[]): Telling {
  const holders = new Map<string, number>();
  for (const prompt of prompts) {
    for (const shingle of new Set(shinglesIn(prompt))) {
      holders.set(shingle, (holders.get(shingle) ?? 0) + 1);
    }
  }
  const most = Math.log1p(prompts.length);
  return (shingle) => 1 - Math.log1p(holders.get(shingle) ?? 0) / (most || 1);
}

/** The features of a failure. */
export function featuresOf(failure: Failure, telling: Telling): Features {
  const { id, outcome, verifier, finding, answer, step, prompt } = failure;
  const reason = reasonOf(finding);
  const shingles: Record<Part, readonly string[]> = {
    places: placesOf(verifier, finding),
    // Models say the same in another order of words: single words, not runs of them.
    step: step === null ? [] : wordsIn(step),
    answer: shinglesIn(answer),
    prompt: shinglesIn(prompt),
  };
  const bags = parts.flatMap((part) => {
    const bag = bagOf(shingles[part], part === "places" ? () => 1 : telling);
    return bag.total > 0 ? [[part, bag] as const] : [];
  });
  const key = reasonKey({ outcome, verifier, reason });
  return { id, key, reason, bags: Object.fromEntries(bags) };
}

/**
 * How alike two failures of one reason are, from 0 to 1: the mean, weighted by part, of the weighted Jaccard similarities
 * Σ w·both / Σ w·either (Broder 1997; weights: Ioffe 2010) of the parts that both have. 1 where nothing can be compared:
 * then the reason is all that is known.
 */
export function similarityOf(a: Features, b: Features): number {
  let [sum, weights] = [0, 0];
  for (const part of parts) {
    const [left, right] = [a.bags[part], b.bags[part]];
    if (left === undefined || right === undefined) continue;
    sum += partWeights[part] * jaccard(left, right);
    weights += partWeights[part];
  }
  return weights === 0 ? 1 : sum / weights;
}

function jaccard(a: Bag, b: Bag): number {
  const [small, large] = a.weights.size < b.weights.size ? [a, b] : [b, a];
  let both = 0;
  for (const [shingle, weight] of small.weights) if (large.weights.has(shingle)) both += weight;
  return both / (a.total + b.total - both);
}

function bagOf(shingles: readonly string[], telling: Telling): Bag {
  const weights = new Map<string, number>();
  let total = 0;
  for (const shingle of shingles) {
    if (weights.has(shingle)) continue;
    const weight = telling(shingle);
    // What every task says would only make all sets larger.
    if (weight < 1e-9) continue;
    weights.set(shingle, weight);
    total += weight;
  }
  return { weights, total };
}

/** Words and operators; any number is the same: it is what tasks of one template differ in. */
function wordsIn(text: string): string[] {
  return tokensWithoutNumbers(text).map((token) => ` ${token}`);
}

function shinglesIn(text: string): string[] {
  return shinglesOf(tokensWithoutNumbers(text));
}

function tokensWithoutNumbers(text: string): string[] {
  // Cut before it is read: 16 characters are more than a token has as a rule.
  const tokens = tokensOf(text.slice(0, 16 * mostTokens)).slice(0, mostTokens);
  return tokens.map((token) => (/^\d/u.test(token) ? "#" : token));
}
