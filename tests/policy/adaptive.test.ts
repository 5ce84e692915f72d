import { describe, expect, it } from "vitest";
import { planProblem } from "../../src/core/plan.js";
import type { Observation, RoundSeen } from "../../src/core/policy.js";
import { adaptive, rules } from "../../src/policy/adaptive.js";
import { passAt } from "../../src/policy/evidence.js";
import type { Rule } from "../../src/policy/rule.js";
import { estimateChances, learnableTasks } from "../../src/policy/rules/learnable-tasks.js";
import { plateau } from "../../src/policy/rules/plateau.js";
import { decided, observationWith, own, roundWith, tasksWith } from "./support.js";

const rounds = (...changes: Partial<RoundSeen>[]) =>
  changes.map((each, i) => roundWith({ number: i + 1, ...each }));

describe("pass@k", () => {
  it("is the unbiased estimate of the paper", () => {
    const observation = observationWith({ tasks: tasksWith([1, 4, 0]) });
    expect(passAt(observation, 1, 1)).toBeCloseTo((1 / 4 + 1 + 0) / 3);
    // 1 - C(3, 2) / C(4, 2) = 1/2 of the first task.
    expect(passAt(observation, 1, 2)).toBeCloseTo((1 / 2 + 1 + 0) / 3);
    expect(passAt(observation, 1, 4)).toBeCloseTo(2 / 3);
    expect(passAt(observation, 1, 5)).toBeNull();
    expect(passAt(observation, 2, 1)).toBeNull();
  });
});

describe("the chance at a task", () => {
  const clustered = (right: readonly (number | null)[], clusters: readonly (string | null)[]) =>
    tasksWith(right).map((task, i) => ({ ...task, cluster: clusters[i] ?? null }));

  it("is that of its cluster before it was tried, and its own the more it was", () => {
    const tasks = clustered([0, 0, null, 4, 4, null], ["a", "a", "a", "b", "b", "b"]);
    const chances = estimateChances(observationWith({ round: 2, tasks })).map(
      ({ chance }) => chance,
    );
    expect(chances[2]).toBeLessThan(0.2);
    expect(chances[5]).toBeGreaterThan(0.8);
    expect(chances[0]).toBeLessThan(chances[2]!);
    expect(chances[3]).toBeGreaterThan(chances[5]!);
  });

  it("goes by what was seen lately", () => {
    const tries = [
      { round: 1, right: 0, attempts: 4 },
      { round: 8, right: 4, attempts: 4 },
    ];
    const tasks = [{ id: "t", cluster: null, tries }];
    const [estimate] = estimateChances(observationWith({ round: 9, tasks }));
    expect(estimate!.chance).toBeGreaterThan(0.85);
  });
});

describe("learnable-tasks", () => {
  const last = rounds({});
  const of = (changes: Partial<Observation>) => observationWith({ rounds: last, ...changes });
  const taken = (observation: Observation) => adaptive(observation, [learnableTasks]).tasks;

  it("takes tasks that sometimes succeed before those that always do, and some that never did", () => {
    // 0 to 9 never, 10 to 19 sometimes, 20 to 29 always; several rounds, so that none is in doubt.
    const right = Array.from({ length: 30 }, (_, i) => (i < 10 ? 0 : i < 20 ? 2 : 4));
    const tasks = tasksWith(right).map((task) => ({
      ...task,
      tries: [1, 2, 3, 4, 5, 6].map((round) => ({ ...task.tries[0]!, attempts: 4, round })),
    }));
    const many = { rounds: rounds({}, {}, {}, {}, {}, {}), tasks };
    const counts = [0, 0, 0];
    for (let seed = 0; seed < 50; seed++) {
      const chosen = taken(observationWith({ ...many, seed }))!;
      expect(new Set(chosen).size).toBe(10);
      for (const id of chosen) counts[Math.floor(Number(id.slice(1)) / 10)]!++;
    }
    expect(counts).toEqual([100, 400, 0]);
  });

  it("draws the same for the same seed, and what is new before what is solved", () => {
    const tasks = tasksWith([...new Array(10).fill(2), ...new Array(20).fill(null)]);
    expect(taken(of({ tasks }))).toEqual(taken(of({ tasks })));
    expect(taken(of({ tasks, seed: 8 }))).not.toEqual(taken(of({ tasks })));
    const fresh = Array.from({ length: 50 }, (_, seed) => taken(of({ tasks, seed }))!)
      .flat()
      .filter((id) => Number(id.slice(1)) >= 10);
    // In proportion they would be two thirds.
    expect(fresh.length / 500).toBeGreaterThan(0.8);
  });

  it("says how many of each kind there are", () => {
    const { tasks } = decided(
      learnableTasks,
      of({ tasks: tasksWith([...new Array(20).fill(2), null]) }),
    );
    expect(tasks).toMatchObject({ to: 10, saw: { learnable: 21, hard: 0, easy: 0, untried: 1 } });
    expect(tasks!.because).toMatch(/21 of 21 tasks are neither too hard nor too easy/);
  });

  it("leaves the recipe's turn where nothing was tried, or all tasks are taken", () => {
    expect(taken(of({}))).toBeNull();
    expect(taken(of({ tasks: tasksWith(new Array(10).fill(2)) }))).toBeNull();
  });
});

describe("plateau", () => {
  const tried = tasksWith(new Array(20).fill(2));

  it("asks to stop when three rounds gained nothing and nothing is left to try", () => {
    const plan = adaptive(observationWith({ rounds: rounds({}, {}, {}), tasks: tried }), [plateau]);
    expect(plan.stop).toContain("the last 3 rounds gained nothing");
    expect(plan.decisions).toMatchObject([{ rule: "plateau", what: "stop", saw: { untried: 0 } }]);
  });

  it("goes on after a promotion, with untried tasks, and where something was just changed", () => {
    const stopOf = (changes: Partial<Observation>) =>
      adaptive(observationWith({ tasks: tried, ...changes }), [plateau]).stop;
    expect(stopOf({ rounds: rounds({}, {}) })).toBeNull();
    expect(stopOf({ rounds: rounds({}, { outcome: "promoted" }, {}) })).toBeNull();
    expect(stopOf({ rounds: rounds({}, {}, {}), tasks: tasksWith([2, null]) })).toBeNull();
    const changed = { settings: { ...own, "retrain.epochs": 2 } };
    expect(stopOf({ rounds: rounds({}, {}, changed) })).toBeNull();
    const moving: Rule = () => ({
      decisions: [{ rule: "m", what: "retrain.epochs", from: 3, to: 2, because: "so", saw: {} }],
    });
    const observation = observationWith({ tasks: tried, rounds: rounds({}, {}, {}) });
    expect(adaptive(observation, [moving, plateau]).stop).toBeNull();
  });
});

describe("plateau in a pool that is never used up", () => {
  const unseen = (right: number) => ({
    validation: { learned: { right: 20, tasks: 24 }, unseen: { right, tasks: 24 } },
  });
  const six = (...right: number[]) => rounds(...right.map(unseen));
  // Rules move something every other round.
  const restless = (seen: RoundSeen[]) =>
    seen.map((round, i) => ({ ...round, settings: { ...own, "retrain.epochs": 2 + (i % 2) } }));
  const large = tasksWith([2, ...new Array(4_999).fill(null)]);
  const planOf = (seen: RoundSeen[]) =>
    adaptive(observationWith({ rounds: seen, tasks: large }), [plateau]);

  it("asks to stop when six rounds gained nothing and validation does not rise, whatever is left", () => {
    const plan = planOf(restless(six(10, 9, 11, 10, 9, 10)));
    expect(plan.stop).toContain("the last 6 rounds gained nothing");
    expect(plan.stop).toMatch(/does not rise: 42%, then 40%$/);
    expect(plan.decisions).toMatchObject([{ what: "stop", saw: { rounds: 6 } }]);
  });

  it("goes on while validation rises, before the sixth round, and after a promotion", () => {
    expect(planOf(restless(six(8, 9, 9, 10, 11, 12))).stop).toBeNull();
    expect(planOf(restless(six(10, 10, 10, 10, 10))).stop).toBeNull();
    const gained = six(10, 10, 10, 10, 10, 10);
    const promoted = gained.with(1, { ...gained[1]!, outcome: "promoted" });
    expect(planOf(promoted).stop).toBeNull();
  });

  it("goes on where nothing was validated, and while a smaller dose is tried", () => {
    expect(planOf(rounds({}, {}, {}, {}, {}, {})).stop).toBeNull();
    const forgot = { tasks: 50, baseline: 40, candidate: 36, margin: 0.1, worst: 0.2 };
    const seen = six(10, 10, 10, 10, 10, 10);
    const last = seen.with(5, { ...seen[5]!, retention: forgot });
    const observation = observationWith({ rounds: last, tasks: large });
    const plan = adaptive(observation, [rules.forgetting!, plateau]);
    expect(plan.settings).toHaveProperty("retrain.epochs");
    expect(plan.stop).toBeNull();
    expect(adaptive(observation, [plateau]).stop).not.toBeNull();
  });
});

describe("the adaptive policy", () => {
  it("is the recipe as written before the first round", () => {
    expect(adaptive(observationWith())).toEqual({
      ...{ round: 1, author: "adaptive", settings: {}, tasks: null, decisions: [] },
      ...{ stop: null, fallback: null },
    });
  });

  it("goes on from the last round's settings, and names only what differs from the recipe", () => {
    const settings = { ...own, "generate.attempts": 6, "retrain.epochs": 2 };
    const plan = adaptive(observationWith({ rounds: rounds({ settings }) }), []);
    expect(plan.settings).toEqual({ "generate.attempts": 6, "retrain.epochs": 2 });
    const narrow = observationWith({ rounds: rounds({ settings }) });
    const limits = { ...narrow.limits, "generate.attempts": { least: 4, most: 5 } };
    expect(adaptive({ ...narrow, limits }, []).settings["generate.attempts"]).toBe(5);
  });

  it("lets the first rule in order have a lever that two want", () => {
    const to = (rule: string, value: number): Rule => {
      const because = "so";
      const decision = {
        rule,
        what: "retrain.epochs",
        from: 3,
        to: value,
        because,
        saw: {},
      } as const;
      return () => ({ decisions: [decision] });
    };
    const plan = adaptive(observationWith(), [to("first", 2), to("second", 6)]);
    expect(plan.settings).toEqual({ "retrain.epochs": 2 });
    expect(plan.decisions.map(({ rule }) => rule)).toEqual(["first"]);
  });

  it("never leaves its limits, and always says why, whatever the rounds were", () => {
    const extremes: Partial<RoundSeen>[] = [
      { right: 0, solved: 0, revisions: { asked: 10, fixed: 0, tokens: 9_000 } },
      {
        validation: { learned: { right: 24, tasks: 24 }, unseen: { right: 0, tasks: 24 } },
        retention: { tasks: 50, baseline: 50, candidate: 0, worst: 1, margin: 0.1 },
        diversity: 0,
      },
      {
        validation: { learned: { right: 0, tasks: 24 }, unseen: { right: 0, tasks: 24 } },
        revisions: { asked: 10, fixed: 10, tokens: 10 },
        ...{ diversity: 1, tokens: 100 },
      },
      { outcome: "promoted", right: 40, solved: 10 },
      { outcome: "skipped", gate: null, tasks: 0, attempts: 0, right: 0, solved: 0 },
    ];
    for (let seed = 0; seed < 200; seed++) {
      const seen: RoundSeen[] = [];
      for (let round = 1; round <= 8; round++) {
        const tasks = tasksWith(
          Array.from({ length: 20 }, (_, i) => (i * seed + round) % 5),
          round - 1,
        );
        const observation = observationWith({ round, rounds: seen, tasks, seed });
        const plan = adaptive(observation);
        expect(planProblem(plan, observation)).toBeNull();
        for (const { because, rule } of plan.decisions) {
          expect(because.length).toBeGreaterThan(10);
          expect(Object.keys(rules)).toContain(rule);
        }
        if (plan.stop !== null) break;
        const settings = { ...own, ...plan.settings };
        seen.push(roundWith({ number: round, ...extremes[(seed + round * round) % 5], settings }));
      }
    }
  });
});
