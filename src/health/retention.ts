import { nearestToMargin, retainedOf } from "../core/retention.js";
import { atMostAbove, type Measure, type Monitor, percent } from "./monitor.js";

/** What the candidate lost of what the base weights could do; of several suites, of the one that lost most. */
export const retention: Monitor = {
  name: "retention",
  measure({ rows }): Measure | null {
    const retained = rows.decision === null ? [] : retainedOf(rows.decision, null);
    const most = nearestToMargin(retained, ({ comparison }) => -comparison.difference);
    if (most === undefined) return null;
    const { name, comparison } = most;
    const share = ({ ok }: { ok: number }) => percent(ok / comparison.tasks);
    const suite = name === null ? "the retention suite" : `the retention suite ${name}`;
    return {
      value: -comparison.difference,
      baseline: 0,
      text: `the candidate is right on ${share(comparison.candidate)} of ${suite}; the base weights on ${share(comparison.baseline)}`,
    };
  },
  healthy: atMostAbove,
};
