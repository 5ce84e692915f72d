import { describe, expect, it } from "vitest";
import type { RoundSeen } from "../../src/core/policy.js";
import { critiquePays } from "../../src/policy/rules/critique-pays.js";
import { moreAttempts } from "../../src/policy/rules/more-attempts.js";
import { refineBudget } from "../../src/policy/rules/refine-budget.js";
import { temperature } from "../../src/policy/rules/temperature.js";
import { decided, observationWith, own, roundWith, tasksWith } from "./support.js";

const rounds = (...changes: Partial<RoundSeen>[]) =>
  changes.map((each, i) => roundWith({ number: i + 1, ...each }));
/** Tasks as the last of so many rounds left them. */
const seen = (right: readonly number[], ...changes: Partial<RoundSeen>[]) =>
  observationWith({ rounds: rounds(...changes), tasks: tasksWith(right, changes.length) });

describe("more-attempts", () => {
  it("asks for more where the last ones add about as much as the first", () => {
    const found = decided(
      moreAttempts,
      seen([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], { right: 4, solved: 4 }),
    );
    expect(found["generate.attempts"]).toMatchObject({ from: 4, to: 6 });
    expect(found["generate.attempts"]!.because).toContain("one attempt solved 10%");
  });

  it("asks for no more where there are as many right answers as may be learned from", () => {
    const full = { right: 4, solved: 4, examples: 48 };
    expect(decided(moreAttempts, seen([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], full))).toEqual({});
  });

  it("asks for no more after a round that forgot too much, as more examples are a larger dose", () => {
    const forgot = {
      ...{ right: 4, solved: 4 },
      retention: { tasks: 50, baseline: 40, candidate: 36, margin: 0.1, worst: 0.2 },
    };
    expect(decided(moreAttempts, seen([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], forgot))).toEqual({});
    const revising = { ...forgot, right: 20, revisions: revised(6, 1_000) };
    expect(decided(refineBudget, seen(half, revising))).toEqual({});
  });

  it("asks for fewer where they agree", () => {
    const found = decided(moreAttempts, seen([4, 4, 4, 4, 4, 0, 0, 0, 0, 0], {}));
    expect(found["generate.attempts"]).toMatchObject({ from: 4, to: 2 });
  });

  it("leaves what is in between, few tasks, and rounds where nothing was right", () => {
    expect(decided(moreAttempts, seen([2, 2, 2, 2, 3, 3, 1, 1, 4, 4], {}))).toEqual({});
    expect(decided(moreAttempts, seen([1, 1, 0, 0], { tasks: 4 }))).toEqual({});
    expect(decided(moreAttempts, seen(new Array(10).fill(0), { right: 0, solved: 0 }))).toEqual({});
  });
});

describe("temperature", () => {
  const open = { diversity: 0.5, right: 20 };

  it("rises when wrong attempts become alike, and comes back when they differ again", () => {
    const fallen = { diversity: 0.2, right: 20 };
    const found = decided(temperature, seen([], open, fallen));
    expect(found["generate.temperature"]).toMatchObject({ from: 0.8, to: 0.95 });
    const hot = { ...open, settings: { ...own, "generate.temperature": 0.95 } };
    const back = decided(temperature, seen([], open, hot));
    expect(back["generate.temperature"]).toMatchObject({ from: 0.95, to: 0.8 });
  });

  it("comes back when too much is ungradable", () => {
    const hot = {
      ...{ diversity: 0.3, right: 20, ungradable: 12 },
      settings: { ...own, "generate.temperature": 0.95 },
    };
    const found = decided(temperature, seen([], open, hot));
    expect(found["generate.temperature"]).toMatchObject({ to: 0.8 });
    expect(found["generate.temperature"]!.because).toContain(
      "points more attempts are ungradable than in round 1",
    );
  });

  it("says with which round it compares: the oldest that is seen", () => {
    const late = [roundWith({ number: 12, ...open }), roundWith({ number: 31, diversity: 0.2 })];
    const found = decided(temperature, observationWith({ rounds: late }));
    expect(found["generate.temperature"]!.because).toMatch(/differ by 0.4, in round 12 by 1$/);
  });

  it("does not take a student that gets better for one that collapses", () => {
    expect(decided(temperature, seen([], open, { diversity: 0.2, right: 32 }))).toEqual({});
    expect(decided(temperature, seen([], open))).toEqual({});
  });
});

const revised = (fixed: number, tokens = 2_000): RoundSeen["revisions"] => ({
  ...{ asked: 10, fixed, tokens },
});
const half = [2, 2, 2, 2, 2, 0, 0, 0, 0, 0];

describe("critique-pays", () => {
  const examined = (fixed: number, broken: number) => ({ wrong: 20, fixed, right: 20, broken });

  it("goes without where it broke as large a share as it fixed", () => {
    const found = decided(
      critiquePays,
      seen(half, { revisions: revised(5), examined: examined(2, 6) }),
    );
    expect(found.critique).toMatchObject({ from: true, to: false, saw: { fixed: 2, broken: 6 } });
    expect(found.critique!.because).toContain("broke 30%");
  });

  it("goes without where further attempts solve more than twice as much for a token", () => {
    const rising = { revisions: revised(0), tokens: 8_000 };
    const observation = observationWith({
      rounds: rounds(rising, rising),
      tasks: tasksWith([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]).map((task) => ({
        ...task,
        tries: [1, 2].map((round) => ({ ...task.tries[0]!, round })),
      })),
    });
    const found = decided(critiquePays, observation);
    expect(found.critique).toMatchObject({ to: false, saw: { with: 0 } });
  });

  it("goes by rewriting without it, where that was seen", () => {
    const silent = { settings: { ...own, critique: false }, revisions: revised(6, 1_000) };
    const loud = { revisions: revised(3) };
    expect(decided(critiquePays, seen(half, silent, loud, loud)).critique?.to).toBe(false);
    const better = { revisions: revised(9, 500) };
    expect(decided(critiquePays, seen(half, silent, better, better))).toEqual({});
  });

  it("goes by the rounds since it was last off alone", () => {
    const silent = { settings: { ...own, critique: false }, revisions: revised(5) };
    const old = { revisions: revised(5), examined: examined(2, 6) };
    const retry = { revisions: revised(5), examined: examined(6, 0) };
    expect(decided(critiquePays, seen(half, old)).critique?.to).toBe(false);
    // All three rounds with it together fixed 17% and broke 20%.
    expect(decided(critiquePays, seen(half, old, old, silent, silent, silent, retry))).toEqual({});
    const bad = { revisions: revised(5), examined: examined(1, 6) };
    const again = decided(critiquePays, seen(half, old, silent, silent, silent, bad));
    expect(again.critique).toMatchObject({ to: false, saw: { wrong: 20, fixed: 1, broken: 6 } });
    // Nor is what it cost before that put together with what the retry costs.
    const [dear, cheap] = [{ revisions: revised(0) }, { revisions: revised(6) }];
    expect(decided(critiquePays, seen(half, dear, dear, silent, cheap, cheap))).toEqual({});
    // One round of it is too little to say what it costs.
    expect(decided(critiquePays, seen(half, dear, dear, silent, dear))).toEqual({});
  });

  it("says that by its cost alone nobody looked at what it breaks", () => {
    const silent = { settings: { ...own, critique: false }, revisions: revised(6, 1_000) };
    const loud = { revisions: revised(3) };
    const found = decided(critiquePays, seen(half, silent, loud, loud));
    expect(found.critique?.because).toContain("was not looked at (examine)");
    const looked = { ...loud, examined: examined(6, 2) };
    const both = decided(critiquePays, seen(half, silent, looked, looked));
    expect(both.critique?.to).toBe(false);
    expect(both.critique?.because).not.toContain("examine");
  });

  it("is tried again after three rounds, and at once where rewriting without it is worse", () => {
    const silent = { settings: { ...own, critique: false }, revisions: revised(4) };
    const [loud, poor] = [{ revisions: revised(0) }, { ...silent, revisions: revised(1) }];
    expect(decided(critiquePays, seen(half, loud, silent, silent))).toEqual({});
    const again = decided(critiquePays, seen(half, loud, silent, silent, silent));
    expect(again.critique).toMatchObject({ from: false, to: true });
    const was = { revisions: revised(5) };
    expect(decided(critiquePays, seen(half, was, was, poor)).critique?.to).toBe(true);
  });

  it("stays where it pays, where little was seen, and has nothing to turn where there is none", () => {
    expect(
      decided(critiquePays, seen(half, { revisions: revised(5), examined: examined(6, 2) })),
    ).toEqual({});
    expect(decided(critiquePays, seen(half, { revisions: revised(0) }))).toEqual({});
    const { critique: _critique, ...recipe } = own;
    const observation = { ...seen(half, { revisions: revised(0) }), recipe };
    expect(decided(critiquePays, observation)).toEqual({});
  });
});

describe("refine-budget", () => {
  it("adds a try that would fix more for a token than further attempts solve", () => {
    const found = decided(refineBudget, seen(half, { revisions: revised(6, 1_000) }));
    expect(found["refine.tries"]).toMatchObject({ from: 2, to: 3 });
  });

  it("adds none where there are as many right answers as may be learned from", () => {
    const full = { revisions: revised(6, 1_000), examples: 48 };
    expect(decided(refineBudget, seen(half, full))).toEqual({});
  });

  it("takes one away that fixes less than half of that", () => {
    const found = decided(
      refineBudget,
      seen([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], { revisions: revised(0) }),
    );
    expect(found["refine.tries"]).toMatchObject({ from: 2, to: 1 });
    expect(found["refine.tries"]!.because).toContain("the last of 2 fixed 0 tasks");
  });

  it("says nothing of few revisions, and of a round without them", () => {
    const few = { asked: 3, fixed: 0, tokens: 600 };
    expect(decided(refineBudget, seen(half, { revisions: few }))).toEqual({});
    expect(decided(refineBudget, seen(half, {}))).toEqual({});
  });
});
