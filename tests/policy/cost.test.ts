import { describe, expect, it } from "vitest";
import { planProblem } from "../../src/core/plan.js";
import type { LeverSettings, Observation, PolicyDecision } from "../../src/core/policy.js";
import { randomFrom } from "../../src/core/random.js";
import { adaptive } from "../../src/policy/adaptive.js";
import { move, type Rule } from "../../src/policy/rule.js";
import { plateau } from "../../src/policy/rules/plateau.js";
import { observationWith, own, roundWith, tasksWith } from "./support.js";

/** A rule that wants nothing but this. */
const wants =
  (rule: string, lever: keyof LeverSettings, to: number): Rule =>
  (observation, settings) => ({
    decisions: move(observation, settings, lever, to, { rule, because: "it pays", saw: {} }) as [],
  });
const said = (decisions: readonly PolicyDecision[]) =>
  decisions.map(({ rule, what, from, to }) => [rule, what, from, to]);

/** A round of 17,000 tokens: 6,200 of attempts, 1,800 of critiques and revisions, 9,000 trained on. */
const round = roundWith({
  ...{ number: 1, revisions: { asked: 6, fixed: 2, tokens: 1_800 }, trained: 9_000 },
});
const afterOne = (cost: number, changes: Partial<Observation> = {}) =>
  observationWith({ rounds: [round], margins: { cost }, ...changes });

describe("rules within the margin of cost", () => {
  const [epochs, attempts] = [
    wants("first", "retrain.epochs", 4),
    wants("last", "generate.attempts", 8),
  ];

  it("have what they want where there is room", () => {
    const { decisions, settings } = adaptive(afterOne(1), [epochs, attempts]);
    expect(said(decisions)).toEqual([
      ["first", "retrain.epochs", 3, 4],
      ["last", "generate.attempts", 4, 8],
    ]);
    expect(settings).toEqual({ "retrain.epochs": 4, "generate.attempts": 8 });
  });

  it("take back of the last one's what is too much, and say so with figures", () => {
    const observation = afterOne(0.4);
    const plan = adaptive(observation, [epochs, attempts]);
    // 20,000 with four epochs, 23,800 at most: two more attempts are 3,100, three are 4,650.
    expect(said(plan.decisions)).toEqual([
      ["first", "retrain.epochs", 3, 4],
      ["last", "generate.attempts", 4, 8],
      ["cost", "generate.attempts", 8, 6],
    ]);
    expect(plan.decisions[2]).toMatchObject({
      because: expect.stringMatching(/26,200 tokens, 17,000 as the recipe says, and .* 23,800$/),
      saw: { expected: 26_200, recipe: 17_000, most: 23_800 },
    });
    expect(plan.settings).toEqual({ "retrain.epochs": 4, "generate.attempts": 6 });
    expect(planProblem(plan, observation)).toBeNull();
  });

  it("drop it where nothing of it fits, and have room again by what another one saves", () => {
    const none = adaptive(afterOne(0), [epochs, attempts]);
    expect(none.settings).toEqual({});
    expect(said(none.decisions)).toEqual([
      ["first", "retrain.epochs", 3, 4],
      ["cost", "retrain.epochs", 4, 3],
      ["last", "generate.attempts", 4, 8],
      ["cost", "generate.attempts", 8, 4],
    ]);
    const saving = adaptive(afterOne(0), [wants("first", "retrain.epochs", 2), attempts]);
    expect(saving.settings).toEqual({ "retrain.epochs": 2, "generate.attempts": 5 });
  });

  it("begin with what fits of the last round, which a coach may have had dearer", () => {
    const dear = { ...own, "elicit.tasksPerRound": 20, "generate.attempts": 6 };
    const last = { ...round, settings: dear, tasks: 20, attempts: 120, examples: 40 };
    const observation = afterOne(0, { rounds: [last], tasks: tasksWith(new Array(20).fill(2)) });
    const plan = adaptive(observation);
    expect(said(plan.decisions).slice(0, 2)).toEqual([
      ["cost", "elicit.tasksPerRound", 20, 10],
      ["cost", "generate.attempts", 6, 4],
    ]);
    // Drawn after that: as many as are taken up.
    expect(plan.tasks).toHaveLength(10);
    expect(planProblem(plan, observation)).toBeNull();
  });

  it("still come to a plateau where only what would cost too much is left to try", () => {
    const rounds = [1, 2, 3].map((number) => ({ ...round, number }));
    const tasks = tasksWith(new Array(20).fill(2));
    const stop = (cost: number) =>
      adaptive(afterOne(cost, { rounds, tasks }), [attempts, plateau]).stop;
    expect(stop(1)).toBeNull();
    expect(stop(0)).toContain("no rule has anything left to try");
  });

  it("never make a plan that would be refused", () => {
    let taken = 0;
    for (let seed = 0; seed < 90; seed++) {
      const observation = drawn(seed);
      const plan = adaptive(observation);
      expect([seed, planProblem(plan, observation)]).toEqual([seed, null]);
      expect(adaptive(observation)).toEqual(plan);
      taken += plan.decisions.filter(({ rule }) => rule === "cost").length;
    }
    expect(taken).toBeGreaterThan(15);
  });
});

/** Rounds of any settings within their limits, with any figures, under one of several margins. */
function drawn(seed: number): Observation {
  const random = randomFrom(seed);
  const between = (least: number, most: number) =>
    least + Math.floor(random() * (most - least + 1));
  const { limits } = observationWith();
  const rounds = Array.from({ length: between(1, 4) }, (_, i) => {
    const moved = Object.entries(limits).map(([lever, { least, most }]) => [
      lever,
      least < 1 ? least + random() * (most - least) : between(least, most),
    ]);
    const settings = { ...own, ...Object.fromEntries(moved), critique: random() < 0.5 };
    const tasks = Number(settings["elicit.tasksPerRound"]);
    const attempts = tasks * Number(settings["generate.attempts"]);
    const asked = between(0, tasks);
    const rewriting = asked * between(50, 600);
    const examples = between(0, Number(settings["curate.maximum"]));
    const loss = between(0, 20);
    return roundWith({
      ...{
        number: i + 1,
        settings,
        tasks,
        attempts,
        examples,
        trained: examples * between(0, 900),
      },
      revisions: asked === 0 ? null : { asked, fixed: between(0, asked), tokens: rewriting },
      tokens: rewriting + attempts * between(20, 400),
      retention: {
        ...{ tasks: 60, baseline: 60, candidate: 60 - loss, worst: loss / 60 + 0.05, margin: 0.1 },
      },
      validation: {
        learned: { right: between(0, 24), tasks: 24 },
        unseen: { right: between(0, 24), tasks: 24 },
      },
      outcome: random() < 0.3 ? "promoted" : "rejected",
    });
  });
  const last = rounds.at(-1)!;
  const tried = (): Observation["tasks"][number]["tries"] => [
    { round: last.number, right: between(0, 4), attempts: 4 },
  ];
  const tasks = tasksWith(new Array(40).fill(null)).map((task) => ({ ...task, tries: tried() }));
  return observationWith({ rounds, tasks, seed, margins: { cost: [0, 0.25, 1][seed % 3]! } });
}
