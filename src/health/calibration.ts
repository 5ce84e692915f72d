import { judgeFiguresOf } from "../stats/index.js";
import { atMostAbove, fewest, type Measure, type Monitor, percent } from "./monitor.js";

/** A judge that prefers wrong answers to right ones: what it says of others is worth as little. */
export const calibration: Monitor = {
  name: "calibration",
  measure({ rows }): Measure | null {
    const { count, of } = judgeFiguresOf(rows).agreement;
    if (of < fewest) return null;
    const value = (of - count) / of;
    return {
      value,
      baseline: 0,
      text: `the judge prefers the wrong answer in ${percent(value)} of ${of} pairs whose better answer the verifier knows`,
    };
  },
  healthy: atMostAbove,
};
