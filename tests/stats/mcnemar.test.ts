import { describe, expect, it } from "vitest";
import { exactMcNemar, fairTail } from "../../src/stats/mcnemar.js";

describe("exactMcNemar", () => {
  // scipy 1.17.1 stats.binomtest(gained, gained + lost, 0.5), alternative "greater" and "two-sided";
  // the two-sided ones also from statsmodels 0.15.0 contingency_tables.mcnemar(exact=True).
  it.each([
    [8, 1, 0.01953125, 0.0390625],
    [1, 8, 0.998046875, 0.0390625],
    [5, 5, 0.623046875, 1],
    [12, 2, 0.0064697265625, 0.012939453125],
    [30, 14, 0.011314420602957398, 0.022628841205914796],
    [0, 6, 1, 0.03125],
    [500, 430, 0.011804419646273582, 0.023608839292547163],
    [50_500, 49_500, 0.0007911799394257577, 0.0015823598788515154],
  ])("agrees with scipy for %i gained, %i lost", (gained, lost, better, different) => {
    const p = exactMcNemar(gained, lost);
    expect(p.better / better).toBeCloseTo(1, 9);
    expect(p.different / different).toBeCloseTo(1, 9);
  });

  it("says nothing without discordant pairs", () => {
    expect(exactMcNemar(0, 0)).toEqual({ better: 1, different: 1 });
  });

  it("gives all gained 2^-n by hand", () => {
    for (let n = 1; n <= 60; n++) {
      expect(exactMcNemar(n, 0).better * 2 ** n).toBeCloseTo(1, 10);
      if (n <= 50) expect(exactMcNemar(n, 0).better).toBe(2 ** -n);
    }
  });

  it("stays a probability, and never rises with more gains", () => {
    for (const n of [1, 2, 3, 10, 99, 100, 1000, 100_000]) {
      let last = 1;
      for (let k = 0; k <= n; k += Math.max(1, Math.floor(n / 50))) {
        const p = fairTail(n, k);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(last);
        last = p;
      }
    }
  });

  it("splits into complementary tails", () => {
    for (const [n, k] of [
      [7, 3],
      [40, 20],
      [41, 21],
      [99_999, 50_100],
    ] as const) {
      expect(fairTail(n, k) + fairTail(n, n - k + 1)).toBeCloseTo(1, 12);
    }
  });

  it("refuses counts that are not whole", () => {
    expect(() => exactMcNemar(1.5, 2)).toThrow("whole numbers");
  });
});
