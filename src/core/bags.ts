import { shinglesOf, tokensOf } from "./shingles.js";

/** Tokens of a text that are looked at: what went wrong shows early, and runaway answers are long. */
const mostTokens = 200;

/** Features of a text with their weights. */
export interface Bag {
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

/** Weighted Jaccard similarity Σ w·both / Σ w·either (Broder 1997; weights: Ioffe 2010), 0 to 1. */
export function jaccard(a: Bag, b: Bag): number {
  const [small, large] = a.weights.size < b.weights.size ? [a, b] : [b, a];
  let both = 0;
  for (const [shingle, weight] of small.weights) if (large.weights.has(shingle)) both += weight;
  return both / (a.total + b.total - both);
}

/** Each different shingle with its weight. */
export function bagOf(shingles: readonly string[], telling: Telling): Bag {
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

/** Shingles of 1 to 3 tokens, with # for any number: it is what tasks of one template differ in. */
export function shinglesIn(text: string): string[] {
  return shinglesOf(tokensWithoutNumbers(text));
}

/** The first 200 tokens of a text, with # for any number. */
export function tokensWithoutNumbers(text: string): string[] {
  // Cut before it is read: 16 characters are more than a token has as a rule.
  const tokens = tokensOf(text.slice(0, 16 * mostTokens)).slice(0, mostTokens);
  return tokens.map((token) => (/^\d/u.test(token) ? "#" : token));
}
