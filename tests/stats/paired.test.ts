import { describe, expect, it } from "vitest";
import type { Evaluation, Outcome } from "../../src/core/entities.js";
import { randomFrom } from "../../src/core/random.js";
import { alphaForLook, comparePaired, exactMcNemar, tango } from "../../src/stats/index.js";

const names: Record<string, Outcome> = { o: "ok", w: "wrong", u: "ungradable" };

/** "owu": the outcomes of tasks t0, t1, t2. */
function evaluations(outcomes: string): Evaluation[] {
  return [...outcomes].map((letter, i) => ({
    taskId: `t${i}`,
    callKey: "k",
    answer: "",
    verdict: { outcome: names[letter]!, score: null, verifier: "exact", finding: "" },
  }));
}

describe("comparePaired", () => {
  it("counts by hand", () => {
    const result = comparePaired(evaluations("oowwuuow"), evaluations("owowoouw"), 0.95);
    expect(result).toMatchObject({
      tasks: 8,
      baseline: { ok: 3, wrong: 3, ungradable: 2 },
      candidate: { ok: 4, wrong: 3, ungradable: 1 },
      gained: 3,
      lost: 2,
      difference: 1 / 8,
      confidence: 0.95,
      pBetter: 0.5,
      pDifferent: 1,
    });
    expect(result.gradable).toEqual({ tasks: 5, gained: 1, lost: 1, difference: 0, pBetter: 0.75 });
    expect({ low: result.low, high: result.high }).toEqual(tango(3, 2, 8, 0.95));
  });

  it("counts an ungradable answer against a model in the primary contrast only", () => {
    const result = comparePaired(evaluations("ooooww"), evaluations("uuooow"), 0.95);
    expect(result.difference).toBeCloseTo(-1 / 6);
    expect(result.gradable.difference).toBe(1 / 4);
  });

  it("pairs by task, whatever the order", () => {
    const [a, b] = [evaluations("owowuu"), evaluations("wwoouo")];
    expect(comparePaired(a, b.toReversed(), 0.9)).toEqual(comparePaired(a, b, 0.9));
  });

  it("says nothing of no tasks", () => {
    const result = comparePaired([], [], 0.95);
    expect(result).toMatchObject({ tasks: 0, difference: 0, low: -1, high: 1, pBetter: 1 });
  });

  it("refuses different tasks, and a task twice", () => {
    const other = evaluations("oo").map((e) => ({ ...e, taskId: `x${e.taskId}` }));
    expect(() => comparePaired(evaluations("oo"), other, 0.95)).toThrow("same tasks");
    expect(() => comparePaired(evaluations("oo"), evaluations("ooo"), 0.95)).toThrow("same tasks");
    const twice = [...evaluations("o"), ...evaluations("o")];
    expect(() => comparePaired(twice, twice, 0.95)).toThrow("each once");
  });
});

describe("alphaForLook", () => {
  it("divides alpha by the planned looks", () => {
    expect(alphaForLook(0.05, 1)).toBe(0.05);
    expect(alphaForLook(0.05, 5)).toBeCloseTo(0.01, 15);
  });

  it.each([
    [0, 3],
    [1, 3],
    [0.05, 0],
    [0.05, 1.5],
    [Number.NaN, 2],
  ])("refuses alpha %d over %d looks", (alpha, looks) => {
    expect(() => alphaForLook(alpha, looks)).toThrow("not possible");
  });

  it("keeps a night of five no-better candidates on one suite within alpha", () => {
    const random = randomFrom(5);
    const nights = 4000;
    let fooled = 0;
    for (let night = 0; night < nights; night++) {
      const baseline = Array.from({ length: 96 }, () => random() < 0.3);
      let promoted = false;
      for (let look = 0; look < 5; look++) {
        // Each task flips one way as often as the other: no difference in truth.
        const flips = baseline.map(() => (random() < 0.25 ? random() < 0.5 : null));
        const gained = flips.filter((flip) => flip === true).length;
        const lost = flips.filter((flip) => flip === false).length;
        if (exactMcNemar(gained, lost).better <= alphaForLook(0.05, 5)) promoted = true;
      }
      if (promoted) fooled++;
    }
    expect(fooled / nights).toBeLessThan(0.05);
  });
});
