import { describe, expect, it } from "vitest";
import { bytesOf, centred, cosine, unit, vectorOf } from "../../src/core/vectors.js";

describe("a vector", () => {
  it("has length 1, whatever it had, and zeros stay zeros", () => {
    expect([...unit([3, 4])]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect([...unit([0, 0])]).toEqual([0, 0]);
    expect(cosine(unit([3, 4]), unit([6, 8]))).toBeCloseTo(1, 6);
    expect(cosine(unit([1, 0]), unit([0, 2]))).toBe(0);
  });

  it("that is none is refused with a way out", () => {
    for (const none of [[], [Number.NaN, 1], [Number.POSITIVE_INFINITY]]) {
      expect(() => unit(none)).toThrow(/cannot be compared/);
    }
  });

  it("is float32 in little-endian bytes, and comes back the same", () => {
    expect([...bytesOf(Float32Array.of(1, -2))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    const vector = unit([0.1, -0.7, 1e-9, 12]);
    // As SQLite gives it: part of a larger buffer, at any place.
    const within = new Uint8Array(19);
    within.set(bytesOf(vector), 3);
    expect(vectorOf(within.subarray(3))).toEqual(vector);
  });
});

describe("centred vectors", () => {
  it("are told apart where all share a large part", () => {
    const texts = ["a", "b", "c", "d"];
    const parts = [
      [100, 1, 0],
      [100, 0.9, 0.1],
      [100, -1, 0],
      [100, 0, -1],
    ];
    const plain = new Map(texts.map((text, i) => [text, unit(parts[i]!)]));
    expect(cosine(plain.get("a")!, plain.get("c")!)).toBeGreaterThan(0.999);
    const apart = centred(plain);
    const to = (text: string) => cosine(apart.get("a")!, apart.get(text)!);
    expect(to("b")).toBeGreaterThan(0.9);
    expect(to("c")).toBeLessThan(0);
    expect(Math.hypot(...apart.get("a")!)).toBeCloseTo(1, 6);
  });

  it("of one text alone are zeros, near nothing", () => {
    expect([...centred(new Map([["a", unit([1, 2])]])).get("a")!]).toEqual([0, 0]);
    expect(centred(new Map()).size).toBe(0);
  });
});
