import type { OutcomeCounts, Verdict } from "../../core/entities.js";
import { countOutcomes } from "../../stats/index.js";

/** How many items are ok, wrong and ungradable. */
export function countVerdicts(items: readonly { readonly verdict: Verdict }[]): OutcomeCounts {
  return countOutcomes(items.map(({ verdict }) => verdict.outcome));
}
