import { describe, expect, it } from "vitest";
import { detectableDifference, tasksNeeded } from "../../src/stats/index.js";
import { fairTail } from "../../src/stats/mcnemar.js";

/** P(x of n) for a share, by Pascal's recurrence in logarithms. */
function binomial(n: number, x: number, share: number): number {
  let log = 0;
  for (let i = 1; i <= x; i++) log += Math.log((n - x + i) / i);
  return Math.exp(log + x * Math.log(share) + (n - x) * Math.log1p(-share));
}

/** The exact test's chance to call a candidate better, summed over all outcomes of all tasks. */
function exactPower(tasks: number, gained: number, lost: number, alpha: number): number {
  let power = 0;
  for (let discordant = 1; discordant <= tasks; discordant++) {
    let significant = 0;
    for (let k = discordant; k >= 0 && fairTail(discordant, k) <= alpha; k--)
      significant += binomial(discordant, k, gained / (gained + lost));
    power += binomial(tasks, discordant, gained + lost) * significant;
  }
  return power;
}

describe("the power of the gate's test", () => {
  it.each([
    [200, 0.05, 0.025],
    [200, 0.02, 0.0125],
    [400, 0.1, 0.01],
    [1000, 0.05, 0.05],
  ])(
    "of %d tasks with losses of %d at level %d is near 0.8 where it says so",
    (tasks, lostShare, alpha) => {
      const smallest = detectableDifference(tasks, { lostShare, alpha, power: 0.8 })!;
      const power = exactPower(tasks, lostShare + smallest, lostShare, alpha);
      expect(power).toBeGreaterThan(0.7);
      expect(power).toBeLessThan(0.85);
    },
  );

  it("agrees with itself, and falls with more tasks", () => {
    const planned = { lostShare: 0.05, alpha: 0.025, power: 0.8 };
    const needed = tasksNeeded(0.1, planned);
    expect(detectableDifference(needed, planned)!).toBeCloseTo(0.1, 2);
    expect(detectableDifference(4 * needed, planned)!).toBeLessThan(0.06);
  });

  it("says when nothing can be found", () => {
    const planned = { lostShare: 0.1, alpha: 0.01, power: 0.8 };
    expect(tasksNeeded(0, planned)).toBe(Number.POSITIVE_INFINITY);
    expect(tasksNeeded(-0.1, planned)).toBe(Number.POSITIVE_INFINITY);
    expect(detectableDifference(3, planned)).toBeNull();
    expect(detectableDifference(0, planned)).toBeNull();
  });
});
