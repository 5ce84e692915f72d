import { atMostAbove, type Measure, type Monitor, percent } from "./monitor.js";

/** What the candidate lost of what the base weights could do. */
export const retention: Monitor = {
  name: "retention",
  measure({ rows }): Measure | null {
    const compared = rows.decision?.retention ?? null;
    if (compared === null) return null;
    const share = ({ ok }: { ok: number }) => percent(ok / compared.tasks);
    return {
      value: -compared.difference,
      baseline: 0,
      text: `the candidate is right on ${share(compared.candidate)} of the retention suite; the base weights on ${share(compared.baseline)}`,
    };
  },
  healthy: atMostAbove,
};
