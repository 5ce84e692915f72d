import { describe, expect, it } from "vitest";
import { detectableGain, mcnemarPower } from "../../src/stats/mcnemar-power.js";
import {
  detectableStudyDifference,
  expectedComponents,
  studyPower,
} from "../../src/stats/study-power.js";
import { reference } from "./reference.js";

describe("mcnemarPower", () => {
  it.each(reference.power.mcnemar)(
    "agrees with scipy's sum over outcomes: %i tasks, %d discordant, level %d, gain %d",
    (tasks, discordant, level, gain, power) => {
      expect(mcnemarPower({ tasks, discordant, level }, gain)).toBeCloseTo(power, 9);
    },
  );

  it("is at most the level without a gain, and grows with it", () => {
    const plan = { tasks: 200, discordant: 0.15, level: 0.025 };
    const curve = [0, 0.02, 0.05, 0.1, 0.15].map((gain) => mcnemarPower(plan, gain));
    expect(curve[0]).toBeLessThanOrEqual(0.025);
    expect(curve).toEqual([...curve].sort((a, b) => a - b));
    expect(curve.at(-1)).toBeGreaterThan(0.999);
  });

  it("finds the least gain that is seen, and that there may be none", () => {
    const plan = { tasks: 400, discordant: 0.15, level: 0.05 / 8 };
    const least = detectableGain(plan, 0.8)!;
    expect(mcnemarPower(plan, least)).toBeCloseTo(0.8, 4);
    expect(detectableGain({ tasks: 20, discordant: 0.1, level: 0.01 }, 0.8)).toBeNull();
  });

  it("refuses a gain on more tasks than differ", () => {
    expect(() => mcnemarPower({ tasks: 10, discordant: 0.1, level: 0.05 }, 0.2)).toThrow(/0.2/);
  });
});

describe("studyPower", () => {
  it.each(reference.power.t)(
    "is statsmodels' paired t-test with one seed: %i tasks, deviation %d, alpha %d",
    (tasks, deviation, alpha, power, least) => {
      const plan = {
        tasks,
        seeds: 1,
        alpha,
        components: { task: deviation ** 2, seed: 0.3, residual: 0 },
      };
      expect(studyPower(plan, 0.25 * deviation)).toBeCloseTo(power, 6);
      expect(detectableStudyDifference(plan, 0.8) / least).toBeCloseTo(1, 5);
    },
  );

  const expected = { discordant: 0.15, correlation: 0.5, seedDeviation: 0 };

  it("sees less with more comparisons, with seeds that differ, and with fewer tasks", () => {
    const plan = { tasks: 200, seeds: 3, components: expectedComponents(expected) };
    const least = detectableStudyDifference(plan);
    expect(detectableStudyDifference({ ...plan, comparisons: 5 })).toBeGreaterThan(least);
    expect(detectableStudyDifference({ ...plan, tasks: 100 })).toBeGreaterThan(least);
    const uneven = expectedComponents({ ...expected, seedDeviation: 0.02 });
    expect(detectableStudyDifference({ ...plan, components: uneven })).toBeGreaterThan(least);
    expect(detectableStudyDifference({ ...plan, seeds: 10 })).toBeLessThan(least);
  });

  it("says what 200 tasks and 3 seeds can see", () => {
    const plan = { tasks: 200, seeds: 3, components: expectedComponents(expected) };
    expect(detectableStudyDifference(plan)).toBeCloseTo(0.063, 3);
    expect(studyPower(plan, detectableStudyDifference(plan))).toBeCloseTo(0.8, 5);
  });

  it("refuses no study", () => {
    expect(() =>
      detectableStudyDifference({ tasks: 1, seeds: 3, components: expectedComponents(expected) }),
    ).toThrow(/1 tasks and 3 seeds/);
  });
});
