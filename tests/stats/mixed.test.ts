import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { pairDifferences, type Score } from "../../src/stats/differences.js";
import { mixedDifference } from "../../src/stats/mixed.js";
import { normalQuantile } from "../../src/stats/normal.js";
import { reference } from "./reference.js";

/** Penicillin: zones of growth for six samples on each of 24 plates (Davies and Goldsmith 1972, 6.6). */
const penicillin = [
  "27 23 26 23 23 21,27 23 26 23 23 21,25 21 25 24 24 20,26 23 25 23 23 20,25 22 26 22 23 20",
  "24 22 25 23 22 19,24 20 23 21 22 19,26 22 26 24 24 21,24 21 24 22 22 20,24 21 24 23 22 19",
  "26 23 26 24 24 21,25 22 26 24 24 20,26 24 26 24 25 22,26 23 26 23 23 20,26 23 25 24 24 22",
  "25 22 25 23 23 20,25 21 24 23 23 20,25 22 24 23 23 19,24 21 23 21 21 19,26 23 26 24 24 21",
  "25 21 24 22 22 18,25 22 25 22 22 20,24 21 24 22 24 19,24 21 24 22 21 18",
].flatMap((line) => line.split(",").map((plate) => plate.split(" ").map(Number)));

describe("mixedDifference", () => {
  it("gives the published components of the Penicillin data (Bates 2010, lme4, 2.1)", () => {
    const { method, tasks, seeds } = mixedDifference(penicillin, 0.95);
    expect([tasks, seeds]).toEqual([24, 6]);
    expect(method!.components.task).toBeCloseTo(0.7169, 3);
    expect(method!.components.seed).toBeCloseTo(3.7309, 3);
    expect(method!.components.residual).toBeCloseTo(0.3024, 4);
    expect(method!.difference).toBeCloseTo(22.9722, 4);
    expect(method!.standardError).toBeCloseTo(0.8086, 4);
  });

  it.each(reference.mixed.crossed)("agrees with REML by statsmodels", (expected) => {
    const { method } = mixedDifference(expected.values, 0.95);
    for (const name of ["task", "seed", "residual"] as const) {
      expect(method!.components[name] / expected.components[name]).toBeCloseTo(1, 3);
    }
    expect(method!.standardError / expected.standardError).toBeCloseTo(1, 3);
    const [task, seed, residual] = expected.meanSquares;
    const [tasks, seeds] = [expected.values.length, expected.values[0]!.length];
    const sum = task + seed - residual;
    const spread =
      task ** 2 / (tasks - 1) +
      seed ** 2 / (seeds - 1) +
      residual ** 2 / ((tasks - 1) * (seeds - 1));
    expect(method!.standardError).toBeCloseTo(Math.sqrt(sum / (tasks * seeds)), 12);
    expect(method!.degrees).toBeCloseTo(sum ** 2 / spread, 9);
  });

  it("is scipy's paired t-test with one seed, and says nothing of the method", () => {
    const { values, p, low, high, confidence } = reference.mixed.single;
    const { method, weights } = mixedDifference(
      values.map((value) => [value]),
      confidence,
    );
    expect(method).toBeNull();
    expect(weights.p).toBeCloseTo(p, 10);
    expect(weights.low).toBeCloseTo(low, 10);
    expect(weights.high).toBeCloseTo(high, 10);
  });

  it("leaves an effect out whose variance would be negative", () => {
    // Both seeds have the same mean, so only tasks vary.
    const { method, weights } = mixedDifference(
      [
        [1, 0],
        [0, 1],
        [-1, -1],
        [0, 0],
      ],
      0.9,
    );
    expect(method!.components.seed).toBe(0);
    expect(method!.standardError).toBeCloseTo(weights.standardError, 12);
    expect(method!.degrees).toBe(3);
  });

  it("knows no spread where nothing varies", () => {
    const { method } = mixedDifference([[0, 0], [0, 0]], 0.95); // biome-ignore format: one line
    expect(method).toMatchObject({ difference: 0, standardError: 0, p: 1, low: 0, high: 0 });
  });

  // Seeds that differ as much as this make a t-interval over tasks cover only about half of the time.
  it("covers the truth about as often as it says, where the interval for these weights does not", () => {
    const random = randomFrom(11);
    const normal = () => normalQuantile(random() || 0.5);
    const runs = 1500;
    let [method, weights] = [0, 0];
    for (let run = 0; run < runs; run++) {
      const seeds = Array.from({ length: 4 }, () => 0.08 * normal());
      const values = Array.from({ length: 60 }, () => {
        const task = 0.2 * normal();
        return seeds.map((seed) => 0.05 + task + seed + 0.3 * normal());
      });
      const result = mixedDifference(values, 0.95);
      if (result.method!.low <= 0.05 && 0.05 <= result.method!.high) method++;
      if (result.weights.low <= 0.05 && 0.05 <= result.weights.high) weights++;
    }
    expect(method / runs).toBeGreaterThan(0.93);
    expect(method / runs).toBeLessThan(0.99);
    expect(weights / runs).toBeLessThan(0.8);
  });

  it("refuses what is no table", () => {
    expect(() => mixedDifference([[1, 0]], 0.95)).toThrow(/two tasks/);
    expect(() => mixedDifference([[1, 0], [1]], 0.95)).toThrow(/as many seeds/);
  });
});

describe("pairDifferences", () => {
  const score = (taskId: string, seed: number, value: number): Score => ({
    taskId,
    seed,
    score: value,
  });
  const baseline = [score("a", 1, 0), score("a", 2, 1), score("b", 1, 0.5), score("b", 2, 0)];

  it("subtracts by task and seed, in whatever order they come", () => {
    const candidate = [score("b", 2, 1), score("a", 2, 0), score("b", 1, 0.75), score("a", 1, 1)];
    expect(pairDifferences(baseline, candidate)).toEqual({
      tasks: ["a", "b"],
      seeds: [1, 2],
      values: [
        [1, -1],
        [0.25, 1],
      ],
    });
  });

  it.each([
    ["a missing answer", baseline.slice(1), /task a, seed 1: the candidate has no answer/],
    ["an answer twice", [...baseline, score("a", 1, 1)], /task a, seed 1: .* two answers/],
    [
      "a task of one arm",
      [...baseline, score("c", 1, 1)],
      /task c, seed 1: the baseline|candidate/,
    ],
    ["a score out of range", [...baseline.slice(1), score("a", 1, 2)], /score 2/],
  ])("refuses %s", (_, candidate, message) => {
    expect(() => pairDifferences(baseline, candidate)).toThrow(message);
  });
});
