import { describe, expect, it } from "vitest";
import { planProblem } from "../../src/core/plan.js";
import type {
  ClusterSeen,
  LeverSettings,
  Observation,
  RoundSeen,
  TaskSeen,
} from "../../src/core/policy.js";
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

  /** Two tasks of a cluster that mostly fail, two of one that mostly succeed, and an untried one. */
  const chancesWith = (untried: Partial<TaskSeen>) => {
    const tasks = clustered([0, 0, 3, 3, null], ["a", "a", "b", "b"]);
    tasks[4] = { ...tasks[4]!, ...untried };
    return estimateChances(observationWith({ round: 2, tasks })).map(({ chance }) => chance);
  };

  it("is drawn to that of its cluster, and its own the more it was tried", () => {
    const [hard, , easy] = chancesWith({});
    const alone = tasksWith([0, null, null, 3, null]);
    const unknown = estimateChances(observationWith({ round: 2, tasks: alone }));
    expect(hard).toBeLessThan(unknown[0]!.chance);
    expect(easy).toBeGreaterThan(unknown[3]!.chance);
  });

  it("is half-way between all and the cluster that it is near, before it was tried", () => {
    const [all, likeA, likeB] = [{}, { near: "a" }, { near: "b" }].map(
      (each) => chancesWith(each)[4]!,
    );
    expect(likeA).toBeLessThan(all! - 0.05);
    expect(likeB).toBeGreaterThan(all! + 0.05);
    // Its cluster's own tasks are farther from the mean of all: a guess counts less than tries.
    expect(likeA).toBeGreaterThan(chancesWith({})[0]!);
    expect(likeB).toBeLessThan(chancesWith({})[2]!);
    expect(chancesWith({ near: "gone from sight" })[4]).toBe(all);
  });

  it("forgets what it is near with the first try of its own", () => {
    const tries = [{ round: 1, right: 1, attempts: 4 }];
    expect(chancesWith({ near: "a", tries })[4]).toBe(chancesWith({ tries })[4]);
  });

  it("is better where what it is like never failed", () => {
    const tasks = [...clustered([0, 0], ["a", "a"]), ...tasksWith([4, 4, 4, null]).slice(0)];
    const near = (each: string | null | undefined) =>
      estimateChances(
        observationWith({
          round: 2,
          tasks: tasks.map((task, i) =>
            i === 5 && each !== undefined ? { ...task, near: each } : task,
          ),
        }),
      )[5]!.chance;
    expect(near(null)).toBeGreaterThan(near(undefined));
    expect(near("a")).toBeLessThan(near(undefined));
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

  it.each(["growing", "relapsed"] as const)(
    "prefers tasks of a cluster that is %s, by half",
    (state) => {
      // Two clusters of 20 tasks that are alike in all but what has become of them.
      const tasks = tasksWith(new Array(40).fill(1)).map((task, i) => ({
        ...task,
        cluster: i < 20 ? "one" : "two",
      }));
      const clusters: ClusterSeen[] = [
        { id: "one", name: "one", state, sizes: [{ round: 1, failures: 60 }] },
        { id: "two", name: "two", state: "steady", sizes: [{ round: 1, failures: 60 }] },
      ];
      const shareOf = (seen: ClusterSeen[]) => {
        let [first, all] = [0, 0];
        for (let seed = 0; seed < 300; seed++) {
          const chosen = taken(of({ tasks, clusters: seen, seed }))!;
          first += chosen.filter((id) => Number(id.slice(1)) < 20).length;
          all += chosen.length;
        }
        return first / all;
      };
      // Half without it, and 1.5 / 2.5 of the first draw with it; less of later ones, since none is put back.
      expect(shareOf([{ ...clusters[0]!, state: "shrinking" }, clusters[1]!])).toBeCloseTo(0.5, 1);
      const preferred = shareOf(clusters);
      expect(preferred).toBeGreaterThan(0.55);
      expect(preferred).toBeLessThan(0.61);
      const { tasks: decision } = decided(learnableTasks, of({ tasks, clusters }));
      expect(decision).toMatchObject({ saw: { rising: 20 } });
      expect(decision!.because).toContain(
        "20 are of growing or relapsed clusters and count 1.5 times",
      );
    },
  );

  it("prefers untried tasks that are near such a cluster, too", () => {
    const tasks: TaskSeen[] = [
      ...tasksWith(new Array(20).fill(1)).map((task) => ({ ...task, cluster: "one" })),
      { id: "t20", cluster: null, near: "one", tries: [] },
      { id: "t21", cluster: null, tries: [] },
    ];
    const clusters: ClusterSeen[] = [
      { id: "one", name: "one", state: "growing", sizes: [{ round: 1, failures: 60 }] },
    ];
    const estimates = estimateChances(of({ tasks, clusters }));
    expect(estimates.slice(20).map(({ rising }) => rising)).toEqual([true, false]);
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

describe("a recipe that tries a critique prompt in each round", () => {
  const trying = (trial: string, last: LeverSettings) =>
    observationWith({
      recipe: { ...own, "critique.trial": trial },
      critiquePrompts: ["locate-error", "checklist"],
      rounds: [roundWith({ number: 1, settings: { ...own, ...last } })],
    });

  it("tries none where the round has come to that very prompt", () => {
    for (const [trial, last] of [
      ["none", { critique: false }],
      ["checklist", { "critique.prompt": "checklist" }],
    ] as const) {
      const seen = trying(trial, last);
      const plan = adaptive(seen, []);
      expect(plan.settings).toEqual({ ...last, "critique.trial": "no trial" });
      expect(planProblem(plan, seen)).toBeNull();
    }
    expect(adaptive(trying("checklist", {}), []).settings).toEqual({});
  });
});
