import type { OutcomeCounts, Verdict } from "../../core/entities.js";

/** How many items are ok, wrong and ungradable. */
export function countVerdicts(items: readonly { readonly verdict: Verdict }[]): OutcomeCounts {
  const counts = { ok: 0, wrong: 0, ungradable: 0 };
  for (const { verdict } of items) counts[verdict.outcome]++;
  return counts;
}
