import { RedistillError } from "../core/errors.js";
import { median } from "../stats/index.js";

/** Tokens that a run's stages stand on. */
type Tokens = Readonly<Record<string, number>>;

/**
 * Attempts of the control that has neither critiques nor revisions: as many as the tokens pay for that the
 * treatments of its seed spent on attempts, critiques and revisions (median), prompts in full and answers, whoever paid.
 *
 * @param attempts How many attempts a task has in each treatment, beside the tokens of that treatment's stages.
 */
export function attemptsAtEqualCompute(
  treatments: readonly { readonly attempts: number; readonly tokens: Tokens }[],
): { attempts: number; note: string } {
  const equivalents = treatments
    .filter(({ tokens }) => (tokens.generate ?? 0) > 0)
    .map(({ attempts, tokens }) => {
      const { generate = 0, critique = 0, refine = 0 } = tokens;
      return (attempts * (generate + critique + refine)) / generate;
    });
  const exact = median(equivalents);
  if (exact === null) {
    throw new RedistillError(
      "state",
      "no treatment of this seed has attempts, so nothing says what equal compute is",
      "Look at why: redistill status lists the study's runs.",
    );
  }
  const attempts = Math.max(1, Math.round(exact));
  const note = `${attempts} attempts a task: the treatments of this seed spent the tokens of ${exact.toFixed(2)}`;
  return { attempts, note };
}
