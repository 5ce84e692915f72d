import {
  type Bag,
  bagOf,
  jaccard,
  shinglesIn,
  type Telling,
  tokensWithoutNumbers,
} from "../core/bags.js";
import type { FailedOutcome } from "../core/cluster.js";
import { arithmeticOf } from "./arithmetic.js";
import { placesOf, reasonKey, reasonOf } from "./reason.js";

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
  readonly taskId: string;
  readonly key: string;
  readonly reason: string;
  readonly bags: Readonly<Partial<Record<Part, Bag>>>;
}

/** The features of a failure. */
export function featuresOf(failure: Failure, telling: Telling): Features {
  const { id, taskId, outcome, verifier, finding, answer, step, prompt } = failure;
  const arithmetic = arithmeticOf(verifier, finding, prompt);
  const reason = reasonOf(arithmetic === null ? finding : withMore(finding, arithmetic));
  const shingles: Record<Part, readonly string[]> = {
    places: arithmetic === null ? placesOf(verifier, finding) : [arithmetic],
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
  return { id, taskId, key, reason, bags: Object.fromEntries(bags) };
}

/** One sentence more about it, after a semicolon. */
const withMore = (finding: string, more: string) => `${finding.replace(/\.\s*$/, "")}; ${more}.`;

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

/** Words and operators; any number is the same: it is what tasks of one template differ in. */
function wordsIn(text: string): string[] {
  return tokensWithoutNumbers(text).map((token) => ` ${token}`);
}
