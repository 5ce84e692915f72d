import { describe, expect, it } from "vitest";
import {
  exactInterval,
  type JudgedPair,
  judgeFigures,
  wilsonInterval,
} from "../../src/stats/index.js";

const pair = (changes: Partial<JudgedPair>): JudgedPair => ({
  ...{ forward: "first", backward: "first", outcome: "first" },
  ...{ lengths: [10, 20], right: null, own: null },
  ...changes,
});
const tie = { forward: "first", backward: "second", outcome: "tie" } as const;

describe("how a judge judges", () => {
  it("is counted over the pairs that can say something of it", () => {
    const figures = judgeFigures([
      pair({ right: "first" }),
      pair({ right: "second", lengths: [20, 10] }),
      pair({ ...tie, right: "first" }),
      pair({ lengths: [10, 10], own: "first" }),
      pair({ forward: "tie", backward: "tie", outcome: "tie" }),
      pair({ forward: "first", backward: "ungradable", outcome: "ungradable" }),
    ]);
    expect(figures).toEqual({
      ...{ pairs: 6, preferred: 3, ungradable: 1 },
      // Both ties of the readable five: one judge of one mind, one of none.
      consistent: { count: 4, of: 5 },
      // Forward "first" five times in five; backward "second" once, "first" three times.
      shownFirst: { count: 6, of: 9 },
      longer: { count: 1, of: 2 },
      agreement: { count: 1, of: 2 },
      undecided: { count: 1, of: 3 },
      own: { count: 1, of: 1 },
    });
  });

  it("is nothing without pairs, and no share is 0 of 1 for want of any", () => {
    const { agreement, consistent } = judgeFigures([]);
    expect([agreement, consistent]).toEqual([
      { count: 0, of: 0 },
      { count: 0, of: 0 },
    ]);
  });
});

describe("the exact interval of a share", () => {
  /** P(X >= least) for X ~ Binomial(of, p), term by term. */
  function atLeast(least: number, of: number, p: number): number {
    let [term, sum] = [(1 - p) ** of, 0];
    for (let k = 0; k <= of; k++) {
      if (k >= least) sum += term;
      term *= ((of - k) / (k + 1)) * (p / (1 - p));
    }
    return sum;
  }

  it.each([
    [5, 10],
    [1, 7],
    [17, 32],
  ])("%i of %i ends where what was seen has a chance of 2.5%%", (count, of) => {
    const { low, high } = exactInterval(count, of);
    expect(atLeast(count, of, low)).toBeCloseTo(0.025, 9);
    expect(1 - atLeast(count + 1, of, high)).toBeCloseTo(0.025, 9);
  });

  it("is one-sided where all or none are of one kind", () => {
    expect(exactInterval(0, 10)).toEqual({ low: 0, high: expect.closeTo(1 - 0.025 ** 0.1, 9) });
    expect(exactInterval(10, 10)).toEqual({ low: expect.closeTo(0.025 ** 0.1, 9), high: 1 });
    expect(exactInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });
});

describe("wilsonInterval", () => {
  // Newcombe 1998 (Statistics in Medicine 17:857–872), table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])("is Newcombe's at %d of %d", (count, of, low, high) => {
    const found = wilsonInterval(count, of);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  it("knows nothing without items", () =>
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 }));
});
