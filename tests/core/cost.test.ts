import { describe, expect, it } from "vitest";
import { costLimit, costProblem, expectedCost } from "../../src/core/cost.js";
import { planProblem } from "../../src/core/plan.js";
import type { LeverSettings, Plan, RoundSeen } from "../../src/core/policy.js";
import { observationWith, own, roundWith, tasksWith } from "../policy/support.js";

/** 155 tokens an attempt, 100 a critique or revision, 100 an example each time: 17,000 in all. */
const measured = (changes: Partial<RoundSeen> = {}) =>
  roundWith({
    ...{ number: 1, revisions: { asked: 6, fixed: 2, tokens: 1_800 }, trained: 9_000 },
    ...changes,
  });
const after = observationWith({ rounds: [measured()] });
const costOf = (changes: LeverSettings, observation = after) =>
  expectedCost(observation, { ...own, ...changes });

describe("what a round is expected to cost", () => {
  it("is a count before the first: answers, and an example a task in each epoch", () => {
    const before = observationWith({ margins: { cost: 1 } });
    // 40 attempts, 10 critiques, 20 revisions, and 10 examples with half as many of rehearsal three times.
    expect(costOf({}, before)).toBe(40 + 30 + 45);
    expect(costOf({ "generate.attempts": 8, critique: false }, before)).toBe(80 + 20 + 45);
    expect(costOf({ "curate.maximum": 4 }, before)).toBe(40 + 30 + 18);
    expect(costLimit(before)!.unit).toBe("answers and examples");
  });

  it("is what such a round took, by what it took on average", () => {
    expect(costOf({})).toBe(17_000);
    expect(costOf({ "generate.attempts": 8 })).toBe(17_000 + 6_200);
    expect(costOf({ critique: false })).toBe(17_000 - 600);
    expect(costOf({ "refine.tries": 3 })).toBe(17_000 + 600);
    expect(costOf({ "retrain.epochs": 6 })).toBe(17_000 + 9_000);
    expect(costOf({ "curate.replay.ratio": 1.25 })).toBe(17_000 + 4_500);
    expect(costOf({ "elicit.tasksPerRound": 20 })).toBe(2 * 17_000);
    expect(expectedCost(after, own, 5)).toBe(17_000 / 2);
    // These change no tokens.
    const free = { "retrain.rank": 16, "retrain.learningRate": 0.002, "generate.temperature": 1 };
    expect(costOf({ ...free, "retrain.from": "incumbent" })).toBe(17_000);
  });

  it("counts as many examples as the last round had, or as many as there may be where that was full", () => {
    expect(costOf({ "curate.maximum": 10 })).toBe(17_000 - 4_500);
    expect(costOf({ "curate.maximum": 96 })).toBe(17_000);
    const full = observationWith({ rounds: [measured({ examples: 48, trained: 21_600 })] });
    expect(costOf({ "curate.maximum": 96 }, full)).toBe(8_000 + 2 * 21_600);
  });

  it("pools the rounds that are seen, and takes what nothing is known of for an attempt", () => {
    const idle = roundWith({ number: 2, tokens: 4_000, examples: 10 });
    const two = observationWith({ rounds: [measured(), idle] });
    // 10,200 tokens of 80 attempts; 6 of 20 tasks revised; 10 examples at the price of the first round's.
    expect(costOf({}, two)).toBeCloseTo(40 * 127.5 + 3 * 3 * 100 + 10 * 4.5 * 100);
    const untrained = observationWith({ rounds: [measured({ trained: 0 })] });
    expect(costOf({}, untrained)).toBeCloseTo(8_000 + 90 * 155);
  });

  it("has neither rewrites nor trainings where the recipe has none", () => {
    const bare = { "elicit.tasksPerRound": 10, "generate.attempts": 4, "critique.prompt": "any" };
    expect(expectedCost(after, bare)).toBe(6_200);
    // A critique of which lessons are made is no lever, and is there.
    expect(expectedCost(after, { ...bare, "refine.tries": 2 })).toBe(6_200 + 1_800);
  });
});

describe("the margin of cost", () => {
  const margin = (cost: number, rounds = after.rounds) =>
    observationWith({ rounds, margins: { cost } });
  const problem = (settings: LeverSettings, cost: number, tasks: Plan["tasks"] = null) =>
    planProblem(
      {
        ...{ round: 2, author: "coach", settings, tasks, decisions: [], stop: null },
        fallback: null,
      },
      margin(cost),
    );

  it("by default takes nothing from any lever alone, and little from all together", () => {
    for (const rounds of [[], [measured()], [measured({ examples: 48, trained: 21_600 })]]) {
      const seen = margin(1, rounds);
      for (const [lever, { most }] of Object.entries(seen.limits)) {
        expect([lever, costProblem(seen, { ...own, [lever]: most })]).toEqual([lever, null]);
      }
      const all = Object.entries(seen.limits).map(([lever, { most }]) => [lever, most]);
      expect(costProblem(seen, { ...own, ...Object.fromEntries(all) })).toContain("margins.cost");
    }
  });

  it("refuses a plan beyond it, with the figures", () => {
    expect(problem({ "generate.attempts": 8, "refine.tries": 4 }, 0.5)).toBeNull();
    expect(problem({ "generate.attempts": 8, "retrain.epochs": 6 }, 0.5)).toBe(
      "the round is expected to cost 32,200 tokens, 17,000 as the recipe says, and policy.margins.cost allows 25,500",
    );
  });

  it("of 0 allows what the recipe costs, and what costs less", () => {
    expect(problem({}, 0)).toBeNull();
    expect(problem({ "retrain.rank": 16, "generate.attempts": 3 }, 0)).toBeNull();
    expect(problem({ "generate.attempts": 5 }, 0)).toContain("margins.cost");
    expect(problem({ "generate.attempts": 5, "retrain.epochs": 2 }, 0)).toBeNull();
  });

  it("counts the tasks that a plan names", () => {
    const ids = tasksWith(new Array(20).fill(null)).map(({ id }) => id);
    expect(problem({}, 0, ids.slice(0, 10))).toBeNull();
    expect(problem({}, 0, ids.slice(0, 11))).toContain("margins.cost");
  });

  it("is not asked of what an older release saw", () => {
    expect(costLimit(after)).toBeNull();
    expect(costProblem(after, { ...own, "generate.attempts": 1_000 })).toBeNull();
  });
});
