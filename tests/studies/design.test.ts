import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { type StudySpec, studySchema } from "../../src/core/study.js";
import { dOptimal } from "../../src/studies/d-optimal.js";
import { armName, armsOf } from "../../src/studies/design.js";
import { stoppedBy } from "../../src/studies/halving.js";
import { orderOf } from "../../src/studies/order.js";

function spec(changes: Record<string, unknown>): StudySpec {
  return studySchema.parse({ name: "s", recipe: "r.yaml", ...changes });
}

const twoByThree = { "refine.tries": [1, 2], prompt: { a: { x: 1 }, b: { x: 2 }, c: { y: 3 } } };

describe("a full factorial", () => {
  it("has every combination and both controls", () => {
    const arms = armsOf(spec({ factors: twoByThree }));
    expect(arms.map(({ id }) => id)).toEqual([
      "a1",
      "a2",
      "a3",
      "a4",
      "a5",
      "a6",
      "compute",
      "base",
    ]);
    expect(arms[5]).toEqual({
      id: "a6",
      role: "treatment",
      levels: { "refine.tries": "2", prompt: "c" },
      settings: { "refine.tries": 2, y: 3 },
    });
    expect(armName(arms[0]!)).toBe("1, a");
  });

  it("is refused where a level is there twice, or where it is too large", () => {
    expect(() => armsOf(spec({ factors: { a: [1, 1] } }))).toThrow("the level 1 is there twice");
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, [0, 1]]));
    expect(() => armsOf(spec({ factors: many }))).toThrow("512 arms; at most 256");
  });
});

describe("a fraction", () => {
  const factors = { a: [0, 1], b: [0, 1], c: [0, 1] };
  const fraction = (arms: number) => armsOf(spec({ factors, design: { kind: "fraction", arms } }));

  it("is balanced and orthogonal where that is possible: half of 2^3", () => {
    const rows = fraction(4).filter(({ role }) => role === "treatment");
    const signs = rows.map(({ levels }) =>
      ["a", "b", "c"].map((f) => (levels[f] === "1" ? 1 : -1)),
    );
    for (const factor of [0, 1, 2]) {
      expect(signs.reduce((sum, row) => sum + row[factor]!, 0)).toBe(0);
      for (const other of [0, 1, 2].filter((each) => each !== factor)) {
        expect(signs.reduce((sum, row) => sum + row[factor]! * row[other]!, 0)).toBe(0);
      }
    }
  });

  it("is the same again", () => {
    expect(fraction(4)).toEqual(fraction(4));
  });

  it("is refused where it cannot tell factors apart, or is none", () => {
    expect(() => fraction(3)).toThrow("3 arms cannot tell 3 factors apart; 4 can");
    expect(() => fraction(8)).toThrow("8 of 8 combinations is no fraction");
  });

  it("finds the determinant that an orthogonal array of 3^2 in 9 of 27 has", () => {
    const all = [0, 1, 2].flatMap((a) => [0, 1, 2].flatMap((b) => [0, 1, 2].map((c) => [a, b, c])));
    const rows = dOptimal(all, [3, 3, 3], 9, randomFrom(1));
    // Each pair of levels of two factors is there once.
    for (const [f, g] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      expect(new Set(rows.map((row) => `${row[f]}${row[g]}`)).size).toBe(9);
    }
  });
});

describe("the order of runs", () => {
  const study = spec({ factors: twoByThree, seeds: [5, 6, 7] });
  const order = orderOf(study, armsOf(study));

  it("has each arm once in each seed, one seed after the other, the control at the end of each", () => {
    expect(order.map(({ seed }) => seed)).toEqual([5, 6, 7].flatMap((seed) => Array(7).fill(seed)));
    for (const seed of [5, 6, 7]) {
      const arms = order.filter((run) => run.seed === seed).map(({ arm }) => arm);
      expect([...arms].sort()).toEqual(["a1", "a2", "a3", "a4", "a5", "a6", "compute"]);
      expect(arms.at(-1)).toBe("compute");
    }
  });

  it("is not the same in each seed", () => {
    const of = (seed: number) =>
      order
        .filter((run) => run.seed === seed)
        .map(({ arm }) => arm)
        .join();
    expect(new Set([of(5), of(6), of(7)]).size).toBeGreaterThan(1);
  });
});

describe("halving", () => {
  const standings = (shares: Record<string, number[]>) =>
    Object.entries(shares).map(([arm, right]) => ({ arm, right }));

  it("stops those below the best share, by their mean", () => {
    expect(stoppedBy(standings({ a: [0.1, 0.9], b: [0.4], c: [0.3], d: [0.2] }), 0.5)).toEqual([
      "c",
      "d",
    ]);
  });

  it("keeps two, and whoever is as good as the last that stays", () => {
    expect(stoppedBy(standings({ a: [0.5], b: [0.4], c: [0.3] }), 0.1)).toEqual(["c"]);
    expect(stoppedBy(standings({ a: [0.5], b: [0.4], c: [0.4] }), 0.1)).toEqual([]);
  });
});
