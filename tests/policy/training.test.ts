import { describe, expect, it } from "vitest";
import type { RoundSeen } from "../../src/core/policy.js";
import { continueOrRestart } from "../../src/policy/rules/continue-or-restart.js";
import { forgetting } from "../../src/policy/rules/forgetting.js";
import { overfitting } from "../../src/policy/rules/overfitting.js";
import { rank } from "../../src/policy/rules/rank.js";
import { decided, observationWith, own, roundWith } from "./support.js";

const retention = (worst: number): RoundSeen["retention"] => ({
  ...{ tasks: 50, baseline: 40, candidate: 36, margin: 0.1 },
  worst,
});
const validation = (learned: number, unseen: number): RoundSeen["validation"] => ({
  learned: { right: learned, tasks: 24 },
  unseen: { right: unseen, tasks: 24 },
});
const rounds = (...changes: Partial<RoundSeen>[]) =>
  observationWith({ rounds: changes.map((each, i) => roundWith({ number: i + 1, ...each })) });

describe("forgetting", () => {
  const lost = { retention: retention(0.2) };

  it("trains at a smaller dose after a round that was rejected for it, and says what was seen", () => {
    const found = decided(forgetting, rounds(lost));
    expect(found).toMatchObject({
      "retrain.epochs": { from: 3, to: 2, saw: { worst: 0.2, margin: 0.1 } },
      "retrain.learningRate": { from: 0.001, to: 0.0005 },
    });
    expect(found["retrain.epochs"]!.because).toContain("20%");
    expect(found["curate.replay.ratio"]).toBeUndefined();
  });

  it("takes as much off the dose as was lost too much, between a third and two thirds or so", () => {
    const at = (worst: number) => {
      const found = decided(forgetting, rounds({ retention: retention(worst) }));
      const [epochs, rate] = [found["retrain.epochs"], found["retrain.learningRate"]];
      return Number(epochs?.to ?? 3) * Number(rate?.to ?? 0.001);
    };
    // 8% were lost and the interval reaches 4% further: 6% are allowed, three quarters of what was.
    expect(at(0.12)).toBeCloseTo(2e-3, 6);
    expect(at(0.14)).toBeCloseTo(3e-3 / 2, 6);
    expect(at(0.3)).toBeCloseTo(1e-3, 6);
  });

  it("restarts from the base first, where a training went on from the incumbent", () => {
    const settings = { ...own, "retrain.from": "incumbent" };
    expect(decided(forgetting, rounds({ ...lost, settings }))).toMatchObject({
      "retrain.from": { from: "incumbent", to: "base" },
    });
  });

  it("takes a second step when it happened twice, and the next one where a limit is reached", () => {
    const again = { ...own, "retrain.epochs": 2, "retrain.learningRate": 0.0008 };
    expect(decided(forgetting, rounds(lost, { ...lost, settings: again }))).toMatchObject({
      "retrain.learningRate": { to: 0.0005 },
      "curate.replay.ratio": { from: 0.5, to: 0.75 },
    });
    const least = { ...own, "retrain.epochs": 2, "retrain.learningRate": 0.0005 };
    const settings = { ...least, "curate.replay.ratio": 1 };
    expect(Object.keys(decided(forgetting, rounds({ ...lost, settings })))).toEqual([
      "curate.maximum",
    ]);
  });

  it("goes back towards the recipe when two rounds kept much more than they had to", () => {
    const settings = { ...own, "retrain.learningRate": 0.0007 };
    const kept = { retention: retention(0.02), settings };
    const found = decided(forgetting, rounds(kept, kept));
    expect(found["retrain.learningRate"]?.to).toBe(0.001);
    expect(decided(forgetting, rounds(kept))).toEqual({});
  });

  it("has nothing to say of a rejection for other reasons, or without a suite", () => {
    expect(decided(forgetting, rounds({ retention: retention(0.08) }))).toEqual({});
    expect(decided(forgetting, rounds({ ...lost, outcome: "promoted" }))).toEqual({});
    expect(decided(forgetting, rounds({}))).toEqual({});
  });
});

describe("overfitting", () => {
  it("takes fewer epochs where what was learned is known by heart", () => {
    const found = decided(overfitting, rounds({ validation: validation(23, 10) }));
    expect(found["retrain.epochs"]).toMatchObject({ from: 3, to: 2 });
    expect(found["retrain.epochs"]!.because).toContain("96%");
  });

  it("takes more examples where epochs are at their limit", () => {
    const settings = { ...own, "retrain.epochs": 2 };
    const found = decided(overfitting, rounds({ settings, validation: validation(23, 10) }));
    expect(found).toMatchObject({ "curate.maximum": { from: 48, to: 72 } });
    expect(found["retrain.epochs"]).toBeUndefined();
  });

  it("takes more epochs where not even that was learned", () => {
    const found = decided(overfitting, rounds({ validation: validation(9, 8) }));
    expect(found["retrain.epochs"]).toMatchObject({ from: 3, to: 4 });
  });

  it("leaves a gap that may be chance, and one of too few answers", () => {
    expect(decided(overfitting, rounds({ validation: validation(20, 17) }))).toEqual({});
    const few = { learned: { right: 8, tasks: 8 }, unseen: { right: 0, tasks: 8 } };
    expect(decided(overfitting, rounds({ validation: few }))).toEqual({});
  });
});

describe("continue-or-restart", () => {
  const promoted = { outcome: "promoted" } as const;

  it("goes on from the incumbent after two candidates from the base in a row", () => {
    const found = decided(continueOrRestart, rounds(promoted, {}, {}));
    expect(found["retrain.from"]).toMatchObject({ from: "base", to: "incumbent" });
    expect(found["retrain.from"]!.because).toContain("2 candidates in a row");
  });

  it("restarts after two that went on", () => {
    const settings = { ...own, "retrain.from": "incumbent" };
    const found = decided(continueOrRestart, rounds(promoted, { settings }, { settings }));
    expect(found["retrain.from"]?.to).toBe("base");
  });

  it("does not go back and forth: each start is tried once after a promotion", () => {
    const settings = { ...own, "retrain.from": "incumbent" };
    expect(
      decided(continueOrRestart, rounds(promoted, {}, {}, { settings }, { settings })),
    ).toEqual({});
  });

  it("needs an incumbent of its own rank, and two rejections for other reasons than forgetting", () => {
    expect(decided(continueOrRestart, rounds({}, {}))).toEqual({});
    expect(decided(continueOrRestart, rounds(promoted, {}))).toEqual({});
    const larger = { ...own, "retrain.rank": 16 };
    const other = { settings: larger };
    expect(decided(continueOrRestart, rounds(promoted, other, other))).toEqual({});
    const forgot = { retention: retention(0.3) };
    expect(decided(continueOrRestart, rounds(promoted, forgot, forgot))).toEqual({});
  });
});

describe("rank", () => {
  const at = (epochs: number, learned: number, unseen: number) => ({
    settings: { ...own, "retrain.epochs": epochs },
    validation: validation(learned, unseen),
  });

  it("is doubled where epochs are at their limit and not even that was learned", () => {
    const found = decided(rank, rounds(at(6, 8, 8), at(6, 9, 8)));
    expect(found["retrain.rank"]).toMatchObject({ from: 8, to: 16 });
  });

  it("is halved where few epochs still learn by heart", () => {
    const found = decided(rank, rounds(at(2, 23, 8), at(2, 24, 8)));
    expect(found["retrain.rank"]?.to).toBe(4);
  });

  it("stays with epochs to move, after a promotion, and where a training goes on", () => {
    expect(decided(rank, rounds(at(3, 8, 8), at(3, 9, 8)))).toEqual({});
    expect(decided(rank, rounds({ ...at(6, 8, 8), outcome: "promoted" }, at(6, 9, 8)))).toEqual({});
    const on = (epochs: number) => {
      const round = at(epochs, 8, 8);
      return { ...round, settings: { ...round.settings, "retrain.from": "incumbent" } };
    };
    expect(decided(rank, rounds(on(6), on(6)))).toEqual({});
  });
});
