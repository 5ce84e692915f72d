import type { Completion, Verdict } from "../../core/entities.js";

/** The name that stands in the place of a verifier where the model gave no answer to check. */
export const noVerifier = "engine";

/** Verdicts, but `ungradable` with the reason where there is no answer that could be wrong. */
export function exceptUnanswered(
  verdicts: readonly Verdict[],
  completions: readonly Completion[],
): Verdict[] {
  return verdicts.map((verdict, position) =>
    completions[position]?.unanswered === undefined
      ? verdict
      : {
          outcome: "ungradable",
          score: null,
          verifier: noVerifier,
          finding:
            "There is no answer: the engine crashed each time that it was asked this, or its server refused it.",
        },
  );
}
