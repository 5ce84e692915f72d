import { describe, expect, it } from "vitest";
import {
  answerEntropy,
  distinctPairs,
  mean,
  median,
  selfSimilarity,
} from "../../src/stats/index.js";

const repeat = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n));

describe("distinctPairs", () => {
  it("counts by hand, with a beginning and an end", () => {
    // ^a ab b$ and ^a ac c$: five of six differ.
    expect(distinctPairs(["a b", "A c."])).toBeCloseTo(5 / 6);
    expect(distinctPairs(["42"])).toBe(1);
  });

  it("is near 0 where one sentence answers everything, empty answers included", () => {
    expect(distinctPairs(repeat(100, () => "I do not know"))).toBeCloseTo(0.01);
    expect(distinctPairs(repeat(100, () => ""))).toBeCloseTo(0.01);
    expect(distinctPairs([])).toBeNull();
  });
});

describe("selfSimilarity", () => {
  it("counts by hand", () => {
    // a, b, ab against a, c, ac: one of five.
    expect(selfSimilarity(["a b", "a c"], 1)).toBeCloseTo(1 / 5);
    expect(selfSimilarity(["x", "y", "x"], 1)).toBeCloseTo(1 / 3);
    expect(selfSimilarity(["", ""], 1)).toBe(1);
    expect(selfSimilarity(["alone"], 1)).toBeNull();
  });

  it("draws pairs where there are many: near the exact figure, and the same each time", () => {
    // Two kinds of answers: a pair is of one kind with a chance of (n/2 - 1) / (n - 1).
    const texts = repeat(1000, (n) => (n % 2 === 0 ? "yes" : "no"));
    const drawn = selfSimilarity(texts, 7)!;
    expect(Math.abs(drawn - 499 / 999)).toBeLessThan(0.04);
    expect(selfSimilarity(texts, 7)).toBe(drawn);
    expect(selfSimilarity(texts, 8)).not.toBe(drawn);
  });

  it("never pairs a text with itself", () => {
    expect(
      selfSimilarity(
        repeat(200, (n) => `w${n}`).map((w) => w.replace(/\d/g, (d) => "abcdefghij"[Number(d)]!)),
        3,
      ),
    ).toBe(0);
  });
});

describe("answerEntropy", () => {
  it("is 0 where all say the same and 1 where no two do", () => {
    expect(answerEntropy(["It is 5.", "it is 5", " IT IS 5 "])).toBe(0);
    expect(answerEntropy(["1", "2", "3", "4"])).toBeCloseTo(1);
    expect(answerEntropy(["1", "1", "2", "2"])).toBeCloseTo(0.5);
    expect(answerEntropy(["1"])).toBeNull();
  });
});

describe("averages", () => {
  it("take the middle and the mean, and nothing of nothing", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
    expect(median([])).toBeNull();
    expect(mean([1, 2, 6])).toBe(3);
    expect(mean([])).toBeNull();
  });
});
