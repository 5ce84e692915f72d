import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { confidenceSequence } from "../../src/stats/confidence-sequence.js";
import { levelOfLook } from "../../src/stats/levels.js";
import {
  bet,
  noEvidence,
  outcomeOf,
  sequentialLook,
  type Wealth,
} from "../../src/stats/sequential.js";
import { reference } from "./reference.js";

/** Sums over every way that `tasks` differences can fall, each with its probability. */
function everyOutcome(
  tasks: number,
  chances: readonly (readonly [difference: number, chance: number])[],
  plan: { level: number; horizon: number },
  seen: (wealth: Wealth, chance: number, crossed: boolean) => void,
) {
  const walk = (wealth: Wealth, chance: number, left: number, before: boolean) => {
    const crossed = before || outcomeOf(wealth, plan) === "better";
    if (left === 0) return seen(wealth, chance, crossed);
    for (const [difference, share] of chances) {
      walk(bet(wealth, difference, plan), chance * share, left - 1, crossed);
    }
  };
  walk(noEvidence, 1, tasks, false);
}

describe("bet", () => {
  const fair = [[1, 0.2], [0, 0.6], [-1, 0.2]] as const; // biome-ignore format: a table
  const halves = [[0.5, 0.5], [0, 0.2], [-1, 0.25], [0, 0.05]] as const; // biome-ignore format: a table
  const worse = [[1, 0.2], [0, 0.5], [-1, 0.3]] as const; // biome-ignore format: a table

  it.each([
    ["single verdicts", fair, 10, 10],
    ["several attempts", halves, 8, 8],
    ["a horizon beyond what is asked", fair, 9, 40],
  ])("is fair without a gain: %s", (_, chances, tasks, horizon) => {
    const plan = { level: 0.3, horizon };
    let [expected, wrong] = [0, 0];
    everyOutcome(tasks, chances, plan, (wealth, chance, crossed) => {
      expected += wealth.value * chance;
      if (crossed) wrong += chance;
    });
    expect(expected).toBeCloseTo(1, 10);
    expect(wrong).toBeGreaterThan(0.02);
    expect(wrong).toBeLessThanOrEqual(0.3);
  });

  it("loses when the candidate is worse", () => {
    let expected = 0;
    everyOutcome(9, worse, { level: 0.3, horizon: 9 }, (wealth, chance) => {
      expected += wealth.value * chance;
    });
    expect(expected).toBeLessThan(0.7);
  });

  it("stays fair when the horizon is raised on the way", () => {
    let expected = 0;
    everyOutcome(6, fair, { level: 0.3, horizon: 6 }, (wealth, chance) => {
      const longer = { level: 0.3, horizon: 9 };
      for (const [difference, share] of fair) {
        expected += bet(wealth, difference, longer).value * chance * share;
      }
    });
    expect(expected).toBeCloseTo(1, 10);
  });

  it("refuses what is no difference of shares", () => {
    expect(() => bet(noEvidence, -1.5, { level: 0.05, horizon: 10 })).toThrow(/-1.5/);
  });
});

describe("sequentialLook", () => {
  const plan = { level: 0.05 / 8, horizon: 200 };

  it("stops early where the gain is large, and where there is none to come", () => {
    const gains = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const better = sequentialLook(gains, plan);
    expect(better.outcome).toBe("better");
    expect(better.tasks).toBeLessThan(80);
    expect(better.wealth).toBeGreaterThanOrEqual(160);
    const losses = gains.map((value) => -value);
    expect(sequentialLook(losses, plan)).toMatchObject({ outcome: "hopeless" });
    expect(sequentialLook(losses, plan).tasks).toBeLessThan(60);
  });

  it("is open where all tasks are the same, and after its horizon", () => {
    const nothing = Array.from({ length: 300 }, () => 0);
    expect(sequentialLook(nothing, plan)).toEqual({ outcome: "open", tasks: 200, wealth: 1 });
  });
});

describe("levelOfLook", () => {
  it("is Bonferroni's where every look was lost", () => {
    expect(levelOfLook(0.05, 8, [])).toBe(0.05 / 8);
    expect(levelOfLook(0.05, 8, ["rejected", "rejected"])).toBe(0.05 / 8);
  });

  it("hands on what was not lost, and no more than alpha in all", () => {
    expect(levelOfLook(0.05, 5, ["rejected", "skipped"])).toBeCloseTo(0.02, 12);
    expect(levelOfLook(0.05, 5, ["promoted", "promoted", "skipped"])).toBeCloseTo(0.04, 12);
    expect(levelOfLook(0.05, 2, ["promoted", "promoted", "promoted"])).toBeCloseTo(0.05, 12);
    expect(levelOfLook(0.05, 2, ["rejected", "skipped", "promoted"])).toBeCloseTo(0.025, 12);
    expect(levelOfLook(0.05, 2, ["promoted", "rejected"])).toBe(0);
    expect(levelOfLook(0.05, 2, ["promoted", "promoted", "rejected"])).toBe(0);
  });

  it("never spends more than alpha on looks that are lost, whatever comes between", () => {
    const outcomes = ["promoted", "rejected", "skipped"] as const;
    for (let path = 0; path < 3 ** 7; path++) {
      const night = Array.from({ length: 7 }, (_, i) => outcomes[Math.floor(path / 3 ** i) % 3]!);
      let lost = 0;
      for (const [i, outcome] of night.entries()) {
        if (outcome === "rejected") lost += levelOfLook(0.05, 5, night.slice(0, i));
      }
      expect(lost).toBeLessThanOrEqual(0.05 + 1e-12);
    }
  });
});

describe("confidenceSequence", () => {
  const { differences, cases } = reference.sequence;
  // confseq looks at a grid with steps of 1/4000 in the share, and gives the next point outside.
  it.each(cases)(
    "agrees with its authors' program after %i tasks",
    (tasks, confidence, low, high) => {
      const interval = confidenceSequence(differences.slice(0, tasks), confidence);
      expect(Math.abs(interval.low - low)).toBeLessThanOrEqual(2 * (2 / 4000));
      expect(Math.abs(interval.high - high)).toBeLessThanOrEqual(2 * (2 / 4000));
    },
  );

  it("mirrors, knows nothing of no tasks, and never widens", () => {
    const there = confidenceSequence(differences, 0.9);
    const back = confidenceSequence(
      differences.map((difference) => -difference),
      0.9,
    );
    expect(back.low).toBeCloseTo(-there.high, 8);
    expect(back.high).toBeCloseTo(-there.low, 8);
    const none = confidenceSequence([], 0.9);
    expect(none.low).toBeCloseTo(-1, 7);
    expect(none.high).toBeCloseTo(1, 7);
    const earlier = confidenceSequence(differences.slice(0, 200), 0.9);
    expect(earlier.low).toBeLessThanOrEqual(there.low);
    expect(earlier.high).toBeGreaterThanOrEqual(there.high);
  });

  it("misses the mean in at most 10% of sequences, at all looks together", () => {
    const random = randomFrom(8);
    let missed = 0;
    for (let run = 0; run < 400; run++) {
      const values = Array.from({ length: 150 }, () => {
        const u = random();
        return u < 0.15 ? 1 : u < 0.2 ? -1 : 0;
      });
      const { low, high } = confidenceSequence(values, 0.9);
      if (low > 0.1 || high < 0.1) missed++;
    }
    expect(missed / 400).toBeLessThan(0.1);
  });

  it("refuses what is no difference of shares", () => {
    expect(() => confidenceSequence([2], 0.9)).toThrow(/outside/);
  });
});
