import type { Verdict, VerifierSpec } from "../core/entities.js";
import { canonicalJson } from "../core/hash.js";
import { normaliseText } from "./exact.js";
import { fieldsOf } from "./fields.js";
import { finalNumber } from "./final-number.js";
import { firstJsonObject } from "./json.js";
import { taggedAnswer } from "./reasoning-gym.js";
import { type Check, ok, ungradable, unreadable, wrong } from "./verdict.js";

/**
 * What an answer says, in a form in which equal answers are equal texts: the final number, the JSON
 * object with sorted keys, the folded text. Null where the answer says nothing that can be compared.
 *
 * @example
 * answerKey({ kind: "numeric" }, "So the answer is 1,000.") // "1000"
 */
export function answerKey(spec: VerifierSpec, answer: string): string | null {
  if (unreadable(answer) !== null) return null;
  switch (spec.kind) {
    case "numeric": {
      const found = finalNumber(answer);
      return found.kind === "found" ? found.number.key : null;
    }
    case "json":
      return jsonKey(answer);
    case "fields":
      return answer.includes("|") ? fieldsOf(answer).join(" | ") : null;
    case "exact":
      return normaliseText(answer, spec.ignoreCase ?? false) || null;
    case "contains":
    case "rubric":
      return normaliseText(answer, true) || null;
    case "reasoning_gym":
      return normaliseText(taggedAnswer(answer)) || null;
  }
}

function jsonKey(answer: string): string | null {
  try {
    const found = firstJsonObject(answer);
    return found === null ? null : canonicalJson(trimmed(found));
  } catch {
    return null; // nested too deeply to write
  }
}

function trimmed(value: unknown): unknown {
  if (typeof value === "string") return value.normalize("NFC").trim();
  if (Array.isArray(value)) return value.map(trimmed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, trimmed(inner)]));
}

export interface Majority {
  /** The most frequent key; null where there is none or where two are equally frequent. */
  readonly key: string | null;
  readonly votes: number;
  /** votes / all answers: one that says nothing counts against the majority. */
  readonly share: number;
  /** The key of each answer, in order. */
  readonly keys: readonly (string | null)[];
}

/** The answer that most samples of one task agree on (self-consistency, Wang et al. 2023). */
export function majority(spec: VerifierSpec, answers: readonly string[]): Majority {
  const keys = answers.map((answer) => answerKey(spec, answer));
  const counts = new Map<string, number>();
  for (const key of keys) if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  const [first, second] = [...counts].sort((a, b) => b[1] - a[1]);
  if (first === undefined || first[1] === second?.[1])
    return { key: null, votes: 0, share: 0, keys };
  return { key: first[0], votes: first[1], share: first[1] / answers.length, keys };
}

/**
 * Verdicts of the answers to one task by their majority, without a reference: ok for those in it,
 * wrong for the others. Where no answer reaches `threshold` of all answers nothing is known, and
 * every verdict is ungradable.
 */
export function majorityVerdicts(
  spec: VerifierSpec,
  answers: readonly string[],
  threshold: number,
): Verdict[] {
  const { key, share, keys } = majority(spec, answers);
  const decided = key !== null && share >= threshold;
  const check = (own: string | null): Check => {
    if (own === null) return ungradable("The answer holds nothing that can be compared.");
    if (!decided) return ungradable("The answers to this task do not agree on one.");
    return own === key
      ? ok("The answer is the one that most samples agree on.")
      : wrong("The answer is not the one that most samples agree on.");
  };
  return keys.map((own) => ({ ...check(own), verifier: "majority" }));
}
