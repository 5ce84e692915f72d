import { describe, expect, it } from "vitest";
import { bootstrapByTask, equivalence, mean, mixedDifference } from "../../src/stats/index.js";
import { differenceOf } from "../../src/studies/analysis/estimate.js";
import { analyse } from "../../src/studies/analysis.js";
import type { StudyReport } from "../../src/studies/report/index.js";
import { retentionItems } from "../../src/studies/report/items.js";
import { armTable } from "../../src/studies/report/tables.js";
import { reference } from "../stats/reference.js";
import { handStudy, studySpec } from "../support/study.js";

const oneFactor = (changes: Record<string, unknown> = {}) =>
  studySpec({ factors: { "refine.tries": [1, 2] }, ...changes });

const onlyPrimary = (outcomes: Parameters<typeof analyse>[0]) => analyse(outcomes).primary[0]!;

describe("a study's analysis", () => {
  it("is what one gets by hand from a small table", () => {
    const outcomes = handStudy(oneFactor(), "00000", {
      a1: { 1: "11110", 2: "11010" },
      a2: { 1: "10000", 2: "10000" },
      compute: { 1: "10010", 2: "11000" },
    });
    const { arms, primary, learned, missing } = analyse(outcomes);
    expect(missing).toEqual([]);
    expect(arms.map(({ id, suites }) => [id, suites.gate?.share])).toEqual([
      ["a1", 0.7],
      ["a2", 0.2],
      ["compute", 0.4],
      ["base", 0],
    ]);
    expect(arms[0]!.suites.gate!.perSeed).toEqual([
      { seed: 1, share: 0.8 },
      { seed: 2, share: 0.6 },
    ]);
    expect(arms.every(({ suites }) => suites.sealed === null && suites.retention === null)).toBe(
      true,
    );

    // Differences by task and seed of a1: 0 0 | 1 0 | 1 0 | 0 1 | 0 0.
    const values = [
      [0, 0],
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 0],
    ];
    const { contrast } = primary[0]!;
    expect(contrast!.estimate).toMatchObject({ claim: "method", constant: false });
    expect(contrast!.estimate).toMatchObject(mixedDifference(values, 0.95).method!);
    expect(contrast!.estimate.difference).toBeCloseTo(0.3, 12);
    expect(contrast!.perSeed).toEqual([
      { seed: 1, gained: 2, lost: 0, p: 0.5 },
      { seed: 2, gained: 1, lost: 0, p: 1 },
    ]);
    // Majority: a1 right on t00, t01, t03 (t02 is a tie); the control on t00 alone.
    expect(contrast!.majority).toEqual({ gained: 2, lost: 0, p: 0.5 });
    expect(contrast!.odds).toMatchObject({ odds: null, high: null });
    // Means by task 0, ½, ½, ½, 0: deviation √0.075, Hedges' correction Γ(2) / (√2 Γ(1.5)).
    const hedges = 1 / (Math.SQRT2 * (Math.sqrt(Math.PI) / 2));
    expect(contrast!.cohensD).toBeCloseTo((hedges * 0.3) / Math.sqrt(0.075), 10);
    expect(contrast!.dominance).toBeCloseTo(0.6, 12);
    expect(contrast!.pEquivalent).toBe(equivalence(contrast!.estimate, 0.05).p);
    const perTask = values.map((row) => mean(row)!);
    const { low, high } = contrast!.bootstrap!;
    const again = bootstrapByTask(perTask, (drawn) => mean(drawn)!, { confidence: 0.95, seed: 99 });
    expect(low).toBeCloseTo(again.low, 1);
    expect(high).toBeCloseTo(again.high, 1);
    expect(learned.map(({ arm, contrast: c }) => [arm, c!.estimate.difference])).toEqual([
      ["a1", expect.closeTo(0.7, 12)],
      ["a2", expect.closeTo(0.2, 12)],
      ["compute", expect.closeTo(0.4, 12)],
    ]);
  });

  it("adjusts p by Holm over all treatments of the design, come or not", () => {
    const [right, wrong] = ["1".repeat(12), "0".repeat(12)];
    const gate = {
      a1: { 1: `${"1".repeat(11)}0`, 2: right },
      a2: { 1: `${"1".repeat(3)}${"0".repeat(9)}`, 2: wrong },
      compute: { 1: wrong, 2: `1${"0".repeat(11)}` },
    };
    const both = analyse(handStudy(oneFactor(), wrong, gate)).primary;
    expect(both[0]!.pHolm).toBeCloseTo(2 * both[0]!.contrast!.estimate.p, 12);
    expect(both[1]!.pHolm).toBe(
      Math.min(1, Math.max(both[1]!.contrast!.estimate.p, both[0]!.pHolm!)),
    );
    expect(both.map(({ finding }) => finding)).toEqual(["better", "open"]);
    const { a1, compute } = gate;
    const alone = analyse(handStudy(oneFactor(), wrong, { a1, compute }));
    expect(alone.primary[0]!.pHolm).toBe(both[0]!.pHolm);
    expect(alone.primary[1]).toMatchObject({ contrast: null, pHolm: null, finding: "open" });
    expect(alone.missing).toEqual([
      { arm: "a2", seed: 1, why: "not begun", reason: null },
      { arm: "a2", seed: 2, why: "not begun", reason: null },
    ]);
  });

  it("claims the weights alone with one seed, and says which seeds both arms have", () => {
    const outcomes = handStudy(oneFactor(), "0000", {
      a1: { 1: "1101", 2: "1111" },
      compute: { 2: "0101" },
    });
    const { contrast, finding } = onlyPrimary(outcomes);
    expect(contrast).toMatchObject({ seeds: [2], tasks: 4, leftOut: 0 });
    expect(contrast!.estimate).toMatchObject({
      claim: "weights",
      components: null,
      difference: 0.5,
    });
    // t = 0.5 / √(1/12) = √3 with 3 degrees of freedom: p = 1 - 2 (π/4 + 1/2) / π.
    expect(contrast!.estimate.p).toBeCloseTo(1 - (2 * (Math.PI / 4 + 0.5)) / Math.PI, 10);
    expect(finding).toBe("open");
  });

  it("is scipy's paired t-test with one seed, and statsmodels' mixed model with several", () => {
    const { values, p, low, high, confidence } = reference.mixed.single;
    const single = differenceOf(
      values.map((value) => [value]),
      confidence,
    );
    for (const [is, expected] of [
      [single.p, p],
      [single.low, low],
      [single.high, high],
    ] as const) {
      expect(is).toBeCloseTo(expected, 10);
    }
    for (const { values: cells, standardError } of reference.mixed.crossed) {
      expect(differenceOf(cells, 0.95).standardError / standardError).toBeCloseTo(1, 3);
    }
  });

  it("does not test an arm that was stopped, and lets it count against the others", () => {
    const spec = oneFactor({ design: { kind: "halving" } });
    const gate = {
      a1: { 1: "1".repeat(10), 2: `${"1".repeat(9)}0` },
      a2: { 1: `1${"0".repeat(9)}` },
      compute: { 1: "0".repeat(10), 2: `1${"0".repeat(9)}` },
    };
    const { primary, arms, missing } = analyse(handStudy(spec, "0".repeat(10), gate, ["a2"]));
    expect(primary[1]).toMatchObject({ finding: "stopped", pHolm: null, pEquivalentHolm: null });
    expect(primary[1]!.contrast).toMatchObject({ seeds: [1] });
    expect(primary[0]!.pHolm).toBeCloseTo(2 * primary[0]!.contrast!.estimate.p, 12);
    expect(arms[1]).toMatchObject({ seeds: [1], stopped: "not among the best half" });
    expect(missing).toEqual([
      { arm: "a2", seed: 2, why: "stopped", reason: "not among the best half" },
    ]);
  });

  it("is not surer of equality than the number of tasks allows where nothing varied", () => {
    const same = (tasks: number, margin: number) => {
      const answers = "10".repeat(tasks / 2);
      const arms = { a1: { 1: answers, 2: answers }, compute: { 1: answers, 2: answers } };
      return onlyPrimary(handStudy(oneFactor({ margin }), answers, arms));
    };
    const few = same(10, 0.05);
    expect(few.contrast!.estimate).toMatchObject({ constant: true, difference: 0, p: 1 });
    // Tango without discordant pairs: ±z² / (n + z²).
    expect(few.contrast!.estimate.high).toBeCloseTo(1.959964 ** 2 / (10 + 1.959964 ** 2), 6);
    expect(few.finding).toBe("open");
    expect(few.contrast!.detectable).toBeNull();
    const many = same(200, 0.05);
    // z² / (200 + z²) = 0.05 where z² = 200 · 0.05 / 0.95; two comparisons by Holm.
    expect(many.contrast!.pEquivalent).toBeCloseTo(0.00058843295531, 10);
    expect(many.finding).toBe("equivalent");
    expect(same(200, 0).contrast!.pEquivalent).toBeNull();
  });

  it("leaves out tasks that not all runs have answered, and counts them", () => {
    const outcomes = handStudy(oneFactor({ seeds: [1] }), "00000", {
      a1: { 1: "1-110" },
      compute: { 1: "01010" },
    });
    const { contrast } = onlyPrimary(outcomes);
    expect(contrast).toMatchObject({ tasks: 4, leftOut: 1 });
    expect(contrast!.estimate.difference).toBe(0.5);
  });

  it("gives marginal means of a full design, and solves a fraction", () => {
    const gate = {
      a1: { 1: "1000", 2: "1000" },
      a2: { 1: "1100", 2: "1100" },
      a3: { 1: "1110", 2: "1100" },
      a4: { 1: "1111", 2: "1111" },
      compute: { 1: "1000", 2: "1000" },
    };
    const { effects } = analyse(handStudy(studySpec(), "0000", gate));
    const flat = effects!.factors.map(({ factor, levels }) => [
      factor,
      ...levels.map(({ level, share }) => [level, Number(share.toFixed(6))]),
    ]);
    expect(flat).toEqual([
      ["refine.tries", ["1", 0.375], ["2", 0.8125]],
      ["generate.attempts", ["2", 0.4375], ["4", 0.75]],
    ]);
    const [tries] = effects!.factors;
    expect(tries!.levels[0]!.difference).toBeNull();
    // The same contrast by hand: (a3 + a4 - a1 - a2) / 2 on each task and seed.
    const byHand = mixedDifference(
      [
        [0, 0],
        [0.5, 0.5],
        [1, 0.5],
        [0.5, 0.5],
      ],
      0.95,
    ).method!;
    expect(tries!.levels[1]!.difference!.difference).toBeCloseTo(byHand.difference, 10);
    expect(tries!.levels[1]!.difference!.low).toBeCloseTo(byHand.low, 10);
    // Three of four arms: effects of an additive truth come out as they are.
    const { a1, a2, a3, compute } = {
      ...{ a1: { 1: "100000", 2: "100000" }, a2: { 1: "110000", 2: "110000" } },
      ...{ a3: { 1: "111000", 2: "111000" }, compute: gate.compute },
    };
    const three = analyse(handStudy(studySpec(), "000000", { a1, a2, a3, compute })).effects!;
    const [first, second] = three.factors.map(({ levels }) => levels[1]!.difference!.difference);
    expect(first).toBeCloseTo(2 / 6, 10);
    expect(second).toBeCloseTo(1 / 6, 10);
    // Two arms cannot tell two factors apart.
    expect(analyse(handStudy(studySpec(), "000000", { a1, a2, compute })).effects).toBeNull();
    expect(analyse(handStudy(oneFactor(), "0000", gate)).effects).toBeNull();
  });

  it("says what was planned, and what the spread that was found allows", () => {
    const spec = oneFactor({ expect: { discordant: 0.3, correlation: 0, seedDeviation: 0 } });
    const { power } = analyse(
      handStudy(spec, "0000", {
        a1: { 1: "1100", 2: "1010" },
        compute: { 1: "0100", 2: "1001" },
      }),
    );
    expect(power).toMatchObject({ tasks: 5, seeds: 2, comparisons: 2 });
    expect(power.planned.components).toEqual({ task: 0, seed: 0, residual: 0.3 });
    expect(power.planned.atMargin).toBeGreaterThan(0);
    expect(power.found!.detectable).toBeGreaterThan(0);
  });

  it("analyses nothing where nothing has ended, without an answer that it made up", () => {
    const empty = handStudy(oneFactor(), "", {});
    const { arms, primary, learned, retained, effects, power, missing } = analyse(empty);
    expect(arms.flatMap(({ suites }) => Object.values(suites)).every((each) => each === null)).toBe(
      true,
    );
    for (const each of [...primary, ...learned, ...retained]) {
      expect(each).toMatchObject({ contrast: null, pHolm: null, finding: "open" });
    }
    expect([effects, power.found]).toEqual([null, null]);
    expect(missing).toHaveLength(6);
  });
});

describe("a study with several retention suites", () => {
  it("holds each arm against each suite by itself, with its own margin", () => {
    const hand = handStudy(oneFactor(), "00000", {
      a1: { 1: "11110", 2: "11010" },
      a2: { 1: "10000", 2: "10000" },
      compute: { 1: "10010", 2: "11000" },
    });
    const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
    // Everybody forgets a quarter of code and nothing of facts.
    const right = (forgets: boolean) =>
      new Map(ids.map((id, i) => [id, !(forgets && i >= 20 && i % 4 === 0)]));
    const outcomes = {
      ...hand,
      outcomes: hand.outcomes.map((run) => ({ ...run, retention: right(true) })),
      retention: [
        { name: "facts", margin: 0.1, tasks: new Set(ids.slice(0, 20)) },
        { name: "code", margin: 0.5, tasks: new Set(ids.slice(20)) },
      ],
      base: { ...hand.base, retention: right(false) },
    };
    const analysis = analyse(outcomes);
    expect(
      analysis.retained.map(({ arm, suite, margin, contrast }) => [
        ...[arm, suite, margin, contrast!.tasks],
        contrast!.estimate.difference,
      ]),
    ).toEqual([
      ...["a1", "a2", "compute"].map((arm) => [arm, "facts", 0.1, 20, 0]),
      ...["a1", "a2", "compute"].map((arm) => [arm, "code", 0.5, 20, -0.25]),
    ]);
    expect(analysis.arms[0]!.retention!.map(({ suite, share }) => [suite, share!.share])).toEqual([
      ["facts", 1],
      ["code", 0.75],
    ]);
    const report = { analysis, flows: [], costs: [] } as unknown as StudyReport;
    const texts = retentionItems(report, (text) => text).map(({ text }) => text);
    expect(texts[0]).toContain("points on the retention suite facts");
    expect(texts[3]).toMatch(/-25\.0 points on the retention suite code, .* margin of -50\.0\.$/);
    const { header, rows } = armTable(report, (text) => text);
    expect(header.slice(4, 6)).toEqual(["retention (facts)", "retention (code)"]);
    expect(rows[0]!.slice(4, 6).map((cell) => cell.split(" ")[0])).toEqual(["100.0%", "75.0%"]);
    expect(rows.every((row) => row.length === header.length)).toBe(true);
  });
});
