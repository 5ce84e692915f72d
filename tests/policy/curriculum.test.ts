import { describe, expect, it } from "vitest";
import type { TaskSeen } from "../../src/core/policy.js";
import { randomFrom } from "../../src/core/random.js";
import { adaptive } from "../../src/policy/adaptive.js";
import { learnableTasks } from "../../src/policy/rules/learnable-tasks.js";
import { observationWith, own, roundWith } from "./support.js";

const [pool, size, attempts, roundCount] = [60, 20, 4, 16];
const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
const firstSkill = -2;

/** What was taken up in a round: mean difficulty, and mean true chance there and in the whole pool. */
interface Taken {
  readonly difficulty: number;
  readonly chance: number;
  readonly ofPool: number;
}

/**
 * Rounds of a student with one skill: a task of difficulty d is right with chance σ(skill - d), d even between -3 and 3.
 * What it fails at is grouped by kind of task, a unit of difficulty each.
 *
 * @param gain What a round adds to its skill.
 */
function study(seed: number, gain: number): Taken[] {
  const random = randomFrom(seed);
  const difficulties = Array.from({ length: pool }, () => 6 * random() - 3);
  const tries = difficulties.map((): TaskSeen["tries"][number][] => []);
  const settings = { ...own, "elicit.tasksPerRound": size };
  return Array.from({ length: roundCount }, (_, before) => {
    const round = before + 1;
    const chances = difficulties.map((d) => 1 / (1 + Math.exp(d - firstSkill - gain * before)));
    const tasks = difficulties.map((d, i) => {
      const failed = tries[i]!.some(({ right }) => right < attempts);
      return { id: `${i}`, cluster: failed ? `${Math.floor(d)}` : null, tries: tries[i]! };
    });
    const rounds = Array.from({ length: before }, (_, i) => roundWith({ number: i + 1, settings }));
    const { tasks: planned } = adaptive(
      observationWith({ round, rounds, tasks, seed: seed * 100 + round, recipe: settings }),
      [learnableTasks],
    );
    const chosen = planned?.map(Number) ?? difficulties.slice(0, size).map((_, i) => i);
    for (const i of chosen) {
      const right = Array.from({ length: attempts }, () => random() < chances[i]!);
      tries[i]!.push({ round, right: right.filter(Boolean).length, attempts });
    }
    const over = (values: readonly number[]) => mean(chosen.map((i) => values[i]!));
    return { difficulty: over(difficulties), chance: over(chances), ofPool: mean(chances) };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One figure over all seeds and some rounds, the first of which is 1. */
function over(nights: readonly Taken[][], figure: keyof Taken, from: number, to: number): number {
  return mean(nights.flatMap((night) => night.slice(from - 1, to).map((each) => each[figure])));
}

describe("the curriculum of learnable-tasks", () => {
  const better = seeds.map((seed) => study(seed, 0.25));
  const same = seeds.map((seed) => study(seed, 0));

  it("takes up harder tasks as the student improves", () => {
    const steps = [
      [5, 8],
      [9, 12],
      [13, 16],
    ] as const;
    const [early, middle, late] = steps.map(([from, to]) => over(better, "difficulty", from, to));
    expect(middle! - early!).toBeGreaterThan(0.3);
    expect(late! - middle!).toBeGreaterThan(0.3);
  });

  it("does so because it improves: one that does not is given easier tasks, which it can learn from", () => {
    const late = [better, same].map((nights) => over(nights, "difficulty", 13, 16));
    expect(late[0]! - late[1]!).toBeGreaterThan(1.2);
    expect(over(same, "difficulty", 13, 16)).toBeLessThan(over(same, "difficulty", 1, 3) - 0.7);
  });

  it("stays where attempts sometimes succeed, while the pool goes from too hard to too easy", () => {
    expect(over(better, "ofPool", 1, 1)).toBeLessThan(0.3);
    expect(over(better, "ofPool", 16, 16)).toBeGreaterThan(0.7);
    for (let round = 5; round <= roundCount; round++) {
      const chance = over(better, "chance", round, round);
      expect(chance).toBeGreaterThan(0.4);
      expect(chance).toBeLessThan(0.7);
    }
  });
});
