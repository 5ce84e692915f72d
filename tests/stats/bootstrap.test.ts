import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { mean } from "../../src/stats/averages.js";
import { bcaInterval, bootstrapByTask } from "../../src/stats/bootstrap.js";
import { reference } from "./reference.js";

const average = (values: readonly number[]) => mean(values)!;
const variance = (values: readonly number[]) =>
  average(values.map((value) => (value - average(values)) ** 2));

describe("bcaInterval", () => {
  const { clusters, replicates, cases } = reference.bootstrap;
  it.each(cases)("agrees with scipy at %d on the same replicates", (confidence, low, high) => {
    const without = clusters.map((_, i) => average(clusters.filter((_, other) => other !== i)));
    const interval = bcaInterval(average(clusters), replicates, without, confidence);
    expect(interval.low).toBeCloseTo(low, 10);
    expect(interval.high).toBeCloseTo(high, 10);
  });

  it("has no width where nothing varies", () => {
    expect(bcaInterval(0, [0, 0, 0], [0, 0], 0.95)).toEqual({ low: 0, high: 0 });
  });
});

describe("bootstrapByTask", () => {
  // The variance of 26 scores of a test of spatial perception: (115.8, 259.6) by Efron and Tibshirani
  // (1993, table 14.2), (115.97, 258.54) by Martinez and Martinez (2002, example 7.8), 2,000 draws each.
  it("gives the published interval of the spatial test", () => {
    const scores = [
      48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26,
      30, 41,
    ];
    expect(variance(scores)).toBeCloseTo(171.5, 1);
    const { low, high } = bootstrapByTask(scores, variance, { confidence: 0.9, seed: 3 });
    expect(Math.abs(low - 115.9)).toBeLessThan(2);
    expect(Math.abs(high - 259)).toBeLessThan(4);
  });

  it("gives the same for the same seed", () => {
    const values = [0, 0, 1, 1, -1, 0, 1, 0.5];
    const options = { confidence: 0.9, resamples: 200 };
    const first = bootstrapByTask(values, average, { ...options, seed: 1 });
    expect(bootstrapByTask(values, average, { ...options, seed: 1 })).toEqual(first);
    expect(bootstrapByTask(values, average, { ...options, seed: 2 })).not.toEqual(first);
  });

  it("covers the truth over tasks, where answers taken for independent ones would not", () => {
    const random = randomFrom(5);
    const runs = 300;
    let [byTask, byAnswer] = [0, 0];
    for (let run = 0; run < runs; run++) {
      // Four seeds that agree: a gain on every fifth task.
      const tasks = Array.from({ length: 60 }, () => {
        const gain = random() < 0.2 ? 1 : 0;
        return [gain, gain, gain, random() < 0.05 ? 1 - gain : gain];
      });
      const truth = 0.2 + (0.05 * (0.8 - 0.2)) / 4;
      const options = { confidence: 0.9, seed: run, resamples: 400 };
      const figure = (rows: readonly number[][]) => average(rows.map(average));
      const clustered = bootstrapByTask(tasks, figure, options);
      const naive = bootstrapByTask(tasks.flat(), average, options);
      if (clustered.low <= truth && truth <= clustered.high) byTask++;
      if (naive.low <= truth && truth <= naive.high) byAnswer++;
    }
    expect(byTask / runs).toBeGreaterThan(0.85);
    expect(byAnswer / runs).toBeLessThan(0.75);
  });

  it("refuses a single task", () => {
    expect(() => bootstrapByTask([1], average, { confidence: 0.9, seed: 1 })).toThrow(/two/);
  });
});
