import { describe, expect, it } from "vitest";
import type { LeverSettings, RoundSeen } from "../../src/core/policy.js";
import { adaptive } from "../../src/policy/adaptive.js";
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

const leastDose = { ...own, "retrain.epochs": 2, "retrain.learningRate": 0.0005 };

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
    const settings = { ...leastDose, "curate.replay.ratio": 1 };
    const full = { ...lost, settings, examples: 48 };
    expect(decided(forgetting, rounds(full))).toMatchObject({ "curate.maximum": { to: 33 } });
  });

  it("takes fewer examples than there were, not fewer than there might have been", () => {
    const settings = { ...leastDose, "curate.replay.ratio": 1 };
    const of = (examples: number) => decided(forgetting, rounds({ ...lost, settings, examples }));
    expect(of(40)).toMatchObject({ "curate.maximum": { from: 48, to: 28 } });
    // The least that the limits allow is 24.
    expect(of(20)).toEqual({});
  });

  describe("when two rounds kept much more than they had to", () => {
    const keptAt = (settings: LeverSettings, changes: Partial<RoundSeen> = {}) => {
      const kept = { retention: retention(0.02), settings, ...changes };
      return rounds(lost, kept, kept);
    };

    it("gives the dose back in steps as large as the mildest cut, epochs too, up to the recipe's", () => {
      const doses: [number, number][] = [[2, 0.0005]];
      for (let step = 0; step < 5; step++) {
        const [epochs, rate] = doses.at(-1)!;
        const settings = { ...own, "retrain.epochs": epochs, "retrain.learningRate": rate };
        const found = decided(forgetting, keptAt(settings));
        const of = (lever: "retrain.epochs" | "retrain.learningRate", now: number) =>
          Number(found[lever]?.to ?? now);
        doses.push([of("retrain.epochs", epochs), of("retrain.learningRate", rate)]);
      }
      const sizes = doses.map(([epochs, rate]) => epochs * rate);
      expect(doses[0]).not.toEqual(doses[1]);
      expect(doses.at(-1)).toEqual([3, 0.001]);
      for (const [i, size] of sizes.entries()) {
        if (i > 0) expect(size / sizes[i - 1]!).toBeLessThanOrEqual(1 / 0.7 + 0.01);
      }
    });

    it("takes back the last step first, and one at a time", () => {
      const least = { ...leastDose, "curate.replay.ratio": 0.75, "curate.maximum": 33 };
      expect(decided(forgetting, keptAt(least, { examples: 33 }))).toMatchObject({
        "curate.maximum": { from: 33, to: 48 },
      });
      const rehearsed = { ...least, "curate.maximum": 48 };
      const found = decided(forgetting, keptAt(rehearsed));
      expect(Object.keys(found)).toEqual(["curate.replay.ratio"]);
      expect(found["curate.replay.ratio"]).toMatchObject({ from: 0.75, to: 0.5 });
    });

    it("tells of no more examples where there were fewer than there might have been", () => {
      const settings = { ...own, "curate.maximum": 33 };
      expect(decided(forgetting, keptAt(settings, { examples: 20 }))).toEqual({});
    });

    it("leaves a dose that was made smaller for another reason, and waits for the second round", () => {
      const kept = { retention: retention(0.02), settings: { ...own, "retrain.epochs": 2 } };
      expect(decided(forgetting, rounds({ retention: retention(0.02) }, kept, kept))).toEqual({});
      expect(decided(forgetting, rounds(lost, kept))).toEqual({});
      expect(decided(forgetting, rounds(lost, kept, kept))).toMatchObject({
        "retrain.epochs": { from: 2, to: 3 },
      });
    });
  });

  describe("with several retention suites", () => {
    const suite = (name: string, worst: number, margin: number, lost = 4) => ({
      ...{ suite: name, tasks: 50, baseline: 40, candidate: 40 - lost },
      ...{ worst, margin },
    });
    /** As it is observed: the one nearest to its margin, or furthest beyond it, stands for all. */
    const seen = (...suites: ReturnType<typeof suite>[]) => ({
      retention: suites.reduce((a, b) => (b.worst / b.margin > a.worst / a.margin ? b : a)),
      retentionSuites: suites,
    });

    it("goes by the one that is furthest beyond its own margin, and says its name", () => {
      const found = decided(
        forgetting,
        rounds(seen(suite("facts", 0.2, 0.3), suite("code", 0.12, 0.05))),
      )["retrain.epochs"]!;
      expect(found.saw).toEqual({ worst: 0.12, margin: 0.05, suite: "code" });
      expect(found.because).toBe(
        "it may have forgotten 12% of the retention suite code, 5% is allowed",
      );
    });

    it("takes the dose at which all of them would hold", () => {
      const doseOf = (...suites: ReturnType<typeof suite>[]) => {
        const found = decided(forgetting, rounds(seen(...suites)));
        const [epochs, rate] = [found["retrain.epochs"], found["retrain.learningRate"]];
        return Number(epochs?.to ?? 3) * Number(rate?.to ?? 0.001);
      };
      // Code is further beyond its margin, but facts lost more of what its margin has room for: half is left against seven tenths.
      const [facts, code] = [suite("facts", 0.14, 0.1), suite("code", 0.04, 0.02, 0)];
      expect(doseOf(facts, code)).toBeCloseTo(3e-3 / 2, 6);
      expect(doseOf(code)).toBeCloseTo(2e-3, 6);
    });

    it("gives nothing back while one of them is near its margin, then names the nearest", () => {
      const lost = seen(suite("facts", 0.1, 0.3), suite("code", 0.2, 0.1));
      const settings = { ...own, "curate.replay.ratio": 0.75 };
      const next = (facts: number, code: number) => {
        const kept = { ...seen(suite("facts", facts, 0.3), suite("code", code, 0.1)), settings };
        return decided(forgetting, rounds(lost, kept, kept))["curate.replay.ratio"];
      };
      expect(next(0.02, 0.06)).toBeUndefined();
      expect(next(0.16, 0.02)).toBeUndefined();
      expect(next(0.12, 0.02)).toMatchObject({
        ...{ from: 0.75, to: 0.5, saw: { worst: 0.12, margin: 0.3, suite: "facts" } },
        because: "the last two rounds forgot 12% of facts at most, 30% is allowed",
      });
    });
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
    const heart = { settings, validation: validation(23, 10) };
    const found = decided(overfitting, rounds({ ...heart, examples: 48 }));
    expect(found).toMatchObject({ "curate.maximum": { from: 48, to: 72 } });
    expect(found["retrain.epochs"]).toBeUndefined();
    // There were no more than these 20: another maximum would give the same ones.
    expect(decided(overfitting, rounds({ ...heart, examples: 20 }))).toEqual({});
  });

  it("goes by rounds of the same settings alone", () => {
    const first = { validation: validation(23, 10) };
    const second = {
      ...{ settings: { ...own, "retrain.epochs": 2 }, examples: 48, retention: retention(0.05) },
      validation: validation(21, 17),
    };
    expect(decided(overfitting, rounds(first, second))).toEqual({});
    // By itself neither round is beyond chance.
    const slight = { validation: validation(20, 15) };
    expect(decided(overfitting, rounds(slight))).toEqual({});
    expect(decided(overfitting, rounds(slight, slight))).toMatchObject({
      "retrain.epochs": { to: 2 },
    });
    // What is elicited and asked changes nothing of a training.
    const asked = { ...slight, settings: { ...own, "generate.attempts": 6 } };
    expect(decided(overfitting, rounds(slight, asked))).toMatchObject({
      "retrain.epochs": { to: 2 },
    });
  });

  it("takes no more examples where the dose is made smaller, nor after any round that forgot", () => {
    const lost = { retention: retention(0.2), examples: 48, validation: validation(23, 10) };
    const both = adaptive(rounds(lost), [forgetting, overfitting]);
    expect(both.settings).toMatchObject({ "retrain.epochs": 2, "retrain.learningRate": 0.0005 });
    expect(both.decisions.map(({ rule }) => rule)).not.toContain("overfitting");
    const settings = { ...leastDose, "curate.replay.ratio": 1, "curate.maximum": 24 };
    const least = { ...lost, settings, examples: 24 };
    expect(adaptive(rounds(least), [forgetting, overfitting]).decisions).toEqual([]);
    const poor = { retention: retention(0.2), validation: validation(9, 8) };
    expect(decided(overfitting, rounds(poor))).toEqual({});
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

  it("is not moved by what rounds of other settings came to, nor beside another change", () => {
    const heart = at(2, 23, 8);
    const larger = { ...heart, settings: { ...heart.settings, "curate.maximum": 96 } };
    const other = { ...larger, validation: validation(18, 17) };
    expect(decided(rank, rounds(heart, other))).toEqual({});
    const full = { ...heart, examples: 48 };
    const plan = adaptive(rounds(full, full), [overfitting, rank]);
    expect(plan.decisions.map(({ what }) => what)).toEqual(["curate.maximum"]);
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
