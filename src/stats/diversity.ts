import { randomFrom } from "../core/random.js";
import { shinglesOf, tokensOf } from "../core/shingles.js";

/** Pairs that {@link selfSimilarity} looks at, at most: a standard error below 0.01. */
const mostPairs = 2_000;

/**
 * distinct-2: different pairs of neighbouring tokens as a share of all of them (Li et al. 2016, "A
 * Diversity-Promoting Objective Function for Neural Conversation Models"). 1 where nothing is said
 * twice, near 0 where one sentence answers everything. Each text has a token for its beginning and
 * one for its end, so that answers of one word count too.
 *
 * It falls with the amount of text (Liu et al. 2022), so compare only answers to the same tasks.
 *
 * @returns null without texts.
 */
export function distinctPairs(texts: readonly string[]): number | null {
  if (texts.length === 0) return null;
  const seen = new Set<string>();
  let all = 0;
  for (const text of texts) {
    const tokens = ["^", ...tokensOf(text), "$"];
    for (let i = 1; i < tokens.length; i++) seen.add(`${tokens[i - 1]} ${tokens[i]}`);
    all += tokens.length - 1;
  }
  return seen.size / all;
}

/**
 * The mean Jaccard similarity of two different texts, each taken as the set of its runs of one to
 * three tokens (shingles: Broder 1997). 0 where no two share a word, 1 where all are the same.
 *
 * Stands where self-BLEU (Zhu et al. 2018, "Texygen") is usual: both ask how alike a model's answers
 * are, but self-BLEU compares each text with all others and grows with their square. Here at most
 * 2,000 pairs are looked at, drawn with `seed`; the same seed draws the same pairs of positions.
 *
 * @returns null with fewer than two texts.
 */
export function selfSimilarity(texts: readonly string[], seed: number): number | null {
  if (texts.length < 2) return null;
  const sets = texts.map((text) => new Set(shinglesOf(tokensOf(text))));
  const pairs = (texts.length * (texts.length - 1)) / 2;
  let sum = 0;
  if (pairs <= mostPairs) {
    for (let i = 0; i < sets.length; i++) {
      for (let j = 0; j < i; j++) sum += jaccard(sets[i]!, sets[j]!);
    }
    return sum / pairs;
  }
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let pair = 0; pair < mostPairs; pair++) {
    const first = below(sets.length);
    // Any other one, all equally likely.
    const second = (first + 1 + below(sets.length - 1)) % sets.length;
    sum += jaccard(sets[first]!, sets[second]!);
  }
  return sum / mostPairs;
}

/** Two texts that say nothing are the same text. */
function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  if (large.size === 0) return 1;
  let shared = 0;
  for (const shingle of small) if (large.has(shingle)) shared++;
  return shared / (a.size + b.size - shared);
}

/**
 * How undecided k answers to one question are: the empirical entropy -Σ p ln p of the different
 * answers, divided by ln k (Shannon 1948). 0 where all say the same, 1 where no two do. Answers are
 * the same when their tokens are: case, white space and punctuation do not count.
 *
 * The estimate is biased downwards by about (kinds - 1) / 2k before the division (Miller 1955), so
 * compare only with the same k.
 *
 * @returns null with fewer than two answers.
 */
export function answerEntropy(answers: readonly string[]): number | null {
  if (answers.length < 2) return null;
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const key = tokensOf(answer).join(" ");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let entropy = 0;
  for (const count of counts.values()) {
    const p = count / answers.length;
    entropy -= p * Math.log(p);
  }
  return entropy / Math.log(answers.length);
}
