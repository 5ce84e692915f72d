import { describe, expect, it } from "vitest";
import { discordantOdds, pairedCohensD, pairedDominance } from "../../src/stats/effects.js";
import { equivalence } from "../../src/stats/equivalence.js";
import { holm } from "../../src/stats/holm.js";
import { mixedDifference } from "../../src/stats/mixed.js";
import { reference } from "./reference.js";

const weightsOf = (differences: readonly number[], confidence: number) =>
  mixedDifference(
    differences.map((difference) => [difference]),
    confidence,
  ).weights;

describe("holm", () => {
  it.each(reference.holm)("agrees with statsmodels for %j", (pValues, adjusted) => {
    for (const [i, p] of holm(pValues).entries()) expect(p).toBeCloseTo(adjusted[i]!, 13);
  });

  it("leaves its argument as it is, and takes nothing", () => {
    const pValues = [0.3, 0.1];
    holm(pValues);
    expect(pValues).toEqual([0.3, 0.1]);
    expect(holm([])).toEqual([]);
  });
});

describe("effect sizes", () => {
  it("of paired differences is Cohen's d with Hedges' correction", () => {
    expect(pairedCohensD(reference.effects.values)).toBeCloseTo(reference.effects.cohensD, 12);
    expect(pairedCohensD([1, 0])).toBeNull();
    expect(pairedCohensD([1, 1, 1])).toBeNull();
  });

  it.each(reference.effects.odds)(
    "gives the exact interval of the odds, %i to %i",
    (gained, lost, confidence, low, high) => {
      const odds = discordantOdds(gained, lost, confidence)!;
      expect(odds.odds).toBe(gained / lost);
      expect(odds.low).toBeCloseTo(low, 8);
      if (high === null) expect(odds.high).toBe(Infinity);
      else expect(odds.high / high).toBeCloseTo(1, 8);
    },
  );

  it("has no odds without discordant tasks", () => {
    expect(discordantOdds(0, 0, 0.95)).toBeNull();
  });

  it("counts tasks that got better and worse, not by how much", () => {
    expect(pairedDominance([1, 0.1, 0, -0.9])).toBe(0.25);
    expect(pairedDominance([])).toBeNull();
  });
});

describe("equivalence", () => {
  const { differences, cases } = reference.equivalence;
  it.each(cases)("agrees with statsmodels within %d", (margin, p, notWorse, notBetter) => {
    const found = equivalence(weightsOf(differences, 0.9), margin);
    expect(found.p).toBeCloseTo(p, 10);
    expect(found.pNotWorse).toBeCloseTo(notWorse, 10);
    expect(found.pNotBetter).toBeCloseTo(notBetter, 10);
  });

  it("is claimed just where the interval of 1 - 2 alpha is within the margin", () => {
    const estimate = weightsOf(differences, 0.9);
    const margin = Math.max(-estimate.low, estimate.high);
    expect(equivalence(estimate, margin * 1.001).p).toBeLessThan(0.05);
    expect(equivalence(estimate, margin * 0.999).p).toBeGreaterThan(0.05);
  });

  it("is not claimed because a study is small", () => {
    const estimate = weightsOf([1, 0, -1, 0], 0.95);
    expect(estimate.p).toBe(1);
    expect(equivalence(estimate, 0.05).p).toBeGreaterThan(0.4);
  });

  it("refuses no margin", () => {
    expect(() => equivalence(weightsOf(differences, 0.9), 0)).toThrow(/within 0/);
  });
});
