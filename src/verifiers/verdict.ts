import type { Verdict } from "../core/entities.js";

/** The longest answer that is looked at, in UTF-16 units: more is a runaway generation. */
const MAX_ANSWER_LENGTH = 20_000;

/** What a checker says before it is signed with the verifier's name. */
export type Check = Omit<Verdict, "verifier">;

export const ok = (finding: string): Check => ({ outcome: "ok", score: 1, finding });

export const wrong = (finding: string, score = 0): Check => ({ outcome: "wrong", score, finding });

export const ungradable = (finding: string): Check => ({
  outcome: "ungradable",
  score: null,
  finding,
});

/** Said of every wrong answer that there is nothing more to say of without giving the answer away. */
export const NOT_EXPECTED = "The answer is not the expected one.";

export const NO_REFERENCE = "The task has no reference to check against.";

/** Why an answer cannot be looked at by any verifier, or null if it can. */
export function unreadable(answer: string): string | null {
  if (answer.length > MAX_ANSWER_LENGTH) {
    return `The answer is longer than ${MAX_ANSWER_LENGTH} characters.`;
  }
  if (answer.includes("\0")) return "The answer holds a NUL character.";
  if (answer.trim() === "") return "The answer is empty.";
  return null;
}
