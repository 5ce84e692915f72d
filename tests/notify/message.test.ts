import { describe, expect, it } from "vitest";
import type { Decision, Look, PairedComparison } from "../../src/core/entities.js";
import { failedText, finishedText, pausedText, roundText } from "../../src/notify/message.js";

const comparison = (changes: Partial<PairedComparison> = {}): PairedComparison => ({
  tasks: 200,
  baseline: { ok: 82, wrong: 118, ungradable: 0 },
  candidate: { ok: 100, wrong: 100, ungradable: 0 },
  gained: 24,
  lost: 6,
  difference: 0.09,
  low: 0.0312,
  high: 0.151,
  confidence: 0.95,
  pBetter: 0.0004,
  pDifferent: 0.0008,
  ...changes,
});

const told = (decision: Partial<Decision>, changes: object = {}) =>
  roundText({
    run: "quickstart-1",
    round: 2,
    rounds: 4,
    margin: 0.1,
    secondsLeft: 2_400,
    decision: {
      outcome: "rejected",
      reason: "secret words of a model",
      gate: comparison(),
      retention: null,
      alpha: 0.0125,
      ...decision,
    },
    ...changes,
  });

describe("a message about a round", () => {
  it("says what forgot too much, with figures, and what comes next", () => {
    const retention = comparison({ low: -0.14 });
    expect(told({ retention })).toEqual({
      title: "quickstart-1 round 2 rejected",
      text: "quickstart-1 round 2 rejected: gate +9.0 points (95% interval +3.1 to +15.1), but retention at worst -14.0 points (margin 10). Goes on with round 3 of 4; about 40 min left.",
    });
  });

  it("says that a gain was not shown", () => {
    const gate = comparison({ difference: 0.01, low: -0.04, high: 0.06, pBetter: 0.3 });
    expect(told({ gate }).text).toContain(
      "gate +1.0 points (95% interval -4.0 to +6.0), not shown to be better (p 0.30, needed 0.013).",
    );
  });

  it("says what was promoted, and that the last round is over", () => {
    const retention = comparison({ low: -0.03 });
    const { text } = told({ outcome: "promoted", retention }, { round: 4 });
    expect(text).toBe(
      "quickstart-1 round 4 promoted: gate +9.0 points (95% interval +3.1 to +15.1); retention at worst -3.0 points (margin 10). That was the last of 4 rounds; the final test follows.",
    );
  });

  it("goes by the bet, not by p, where the gate went task by task", () => {
    const look: Look = {
      ...{ outcome: "hopeless", tasks: 84, horizon: 400, attempts: 4, wealth: 0.0487 },
      ...{ incumbent: 0.6, candidate: 0.61 },
    };
    expect(told({ look }).text).toContain(
      "rejected: gate +1.0 points, 4 attempts each (given up after 84 of 400 tasks; wealth 0.0487, 80 needed), not shown to be better.",
    );
    const better: Look = { ...look, outcome: "better", wealth: 81.2, attempts: 1 };
    const retention = comparison({ low: -0.14 });
    expect(told({ look: better, retention, gate: comparison({ pBetter: 0.3 }) }).text).toContain(
      "gate +1.0 points (decided after 84 of 400 tasks; wealth 81.2, 80 needed), but retention at worst -14.0 points",
    );
  });

  it("names the retention suite that is nearest to its margin, of several", () => {
    const retentionSuites = [
      { name: "facts", margin: 0.3, comparison: comparison({ low: -0.2 }) },
      { name: "code", margin: 0.1, comparison: comparison({ low: -0.14 }) },
    ];
    expect(told({ retention: null, retentionSuites }, { margin: null }).text).toContain(
      "retention (code) at worst -14.0 points (margin 10)",
    );
  });

  it("does without figures that are not there", () => {
    const { text } = told({ gate: null }, { secondsLeft: null });
    expect(text).toBe(
      "quickstart-1 round 2 rejected: training gave no new weights. Goes on with round 3 of 4.",
    );
  });

  it.each([
    [20, "less than a minute left"],
    [3_600, "about 1 h 0 min left"],
    [12_000, "about 3 h 20 min left"],
  ])("gives %i seconds in words", (secondsLeft, words) => {
    expect(told({}, { secondsLeft }).text).toContain(words);
  });
});

describe("a message about the end", () => {
  it("has the final figure and the command for the report", () => {
    const facts = { run: "quickstart-1", rounds: 4, promoted: 2, suite: "sealed" as const };
    expect(finishedText({ ...facts, comparison: comparison() }).text).toBe(
      "quickstart-1 finished: 2 of 4 rounds promoted. Sealed suite 41.0% to 50.0%, +9.0 points (95% interval +3.1 to +15.1). Read it: redistill report quickstart-1",
    );
    expect(finishedText({ ...facts, promoted: 0, comparison: null }).text).toBe(
      "quickstart-1 finished: none of 4 rounds promoted, the base weights stay. Read it: redistill report quickstart-1",
    );
  });

  it("of a pause has the reason's word only, and the commands", () => {
    const { title, text } = pausedText({
      run: "sums-1",
      round: 3,
      reason: "budget",
      returns: false,
    });
    expect(title).toBe("sums-1 paused in round 3");
    expect(text).toBe(
      "sums-1 paused in round 3: a budget is used up. Everything paid for is kept. Why: redistill status sums-1. Go on: redistill resume sums-1",
    );
    expect(pausedText({ run: "sums-1", round: 1, reason: "window", returns: true }).text).toBe(
      "sums-1 paused in round 1: its time window closed. Everything paid for is kept. It goes on by itself when the next one opens.",
    );
    expect(
      pausedText({ run: "sums-1", round: null, reason: "/home/x y", returns: false }).text,
    ).toContain("sums-1 paused: waiting.");
  });

  it("of a failure has its kind only", () => {
    expect(failedText({ run: "sums-1", round: 1, kind: "storage" }).text).toContain(
      "sums-1 failed in round 1: the database or the disk.",
    );
  });
});
