import { describe, expect, it } from "vitest";
import type { Decision, Look } from "../../src/core/entities.js";
import { plateauOf, plateauText, stopSchema } from "../../src/core/plateau.js";

const counts = (ok: number) => ({ ok, wrong: 200 - ok, ungradable: 0 });

/** A decision of a gate of 200 tasks: right before, right after. */
const decided = (outcome: Decision["outcome"], before: number, after: number) => ({
  outcome,
  gate: {
    ...{ tasks: 200, baseline: counts(before), candidate: counts(after) },
    ...{ gained: 0, lost: 0, difference: (after - before) / 200, low: 0, high: 0 },
    ...{ confidence: 0.95, pBetter: 0, pDifferent: 0 },
  },
});
const promoted = (before: number, after: number) => decided("promoted", before, after);
const rejected = decided("rejected", 100, 190);
const skipped = { outcome: "skipped" as const, gate: null };

describe("a plateau", () => {
  it("is never found without a rule, or before so many rounds were decided", () => {
    expect(plateauOf(null, [rejected, rejected, rejected])).toBeNull();
    expect(plateauOf(stopSchema.parse({}), [rejected, rejected])).toBeNull();
  });

  it("counts what all attempts gained where the gate asks several times", () => {
    const look: Look = {
      ...{ outcome: "better", tasks: 200, horizon: 200, attempts: 4, wealth: 90 },
      ...{ incumbent: 0.5, candidate: 0.53 },
    };
    const rule = stopSchema.parse({ afterRounds: 1, minimumGain: 0.05 });
    expect(plateauOf(rule, [promoted(100, 120)])).toBeNull();
    expect(plateauOf(rule, [{ ...promoted(100, 120), look }])!.gain).toBeCloseTo(0.03);
  });

  it("by default is three rounds without a promotion, rejected or skipped", () => {
    const rule = stopSchema.parse({});
    expect(plateauOf(rule, [promoted(0, 100), rejected, skipped, rejected])).toEqual({
      rounds: 3,
      gain: 0,
      minimumGain: 0,
    });
    expect(plateauOf(rule, [rejected, rejected, promoted(0, 100)])).toBeNull();
    expect(plateauOf(rule, [promoted(0, 100), rejected, rejected])).toBeNull();
  });

  it("counts what the last rounds' promotions gained together, a gain of the minimum too", () => {
    const rule = stopSchema.parse({ afterRounds: 2, minimumGain: 0.1 });
    expect(
      plateauOf(rule, [promoted(0, 100), promoted(100, 107), promoted(107, 114)]),
    ).toMatchObject({ gain: expect.closeTo(0.07) });
    // 0.07 + 0.03 is not 0.1 in floats.
    expect(plateauOf(rule, [promoted(100, 114), promoted(114, 120)])).not.toBeNull();
    expect(plateauOf(rule, [promoted(100, 114), promoted(114, 121)])).toBeNull();
  });

  it("says what was gained and what was wanted", () => {
    expect(plateauText({ rounds: 3, gain: 0.005, minimumGain: 0.01 })).toBe(
      "the last 3 rounds gained +0.5 points on the gate suite; the recipe goes on only above +1.0 (stop.afterRounds 3)",
    );
  });
});
