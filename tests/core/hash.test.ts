import { describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "../../src/core/hash.js";
import { randomFrom } from "../../src/core/random.js";

/** The same text by JSON.stringify: what the keys of all earlier databases were made with. */
function bySorting(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner as Record<string, unknown>);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

const keys = ["b", "a", "ä", "10", "9", "01", "-1", "4294967295", "1.5", "A", "", "🙂", "toJson"];
const leaves = [0, -0, 1e21, Number.NaN, null, undefined, true, "", 'q"\n\u2028', "\ud800", "漢"];

function anything(random: () => number, depth: number): unknown {
  const kind = depth === 0 ? 0 : random();
  const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  if (kind < 0.3) return one(leaves);
  const size = Math.floor(random() * 5);
  if (kind < 0.6) return Array.from({ length: size }, () => anything(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: size }, () => [one(keys), anything(random, depth - 1)]),
  );
}

describe("canonical JSON", () => {
  it("is the text that sorted keys give in JSON.stringify, for whatever value", () => {
    const random = randomFrom(7);
    for (let i = 0; i < 3000; i++) {
      const value = { value: anything(random, 5) };
      expect(canonicalJson(value)).toBe(bySorting(value));
    }
  });

  it("writes dates as their text, and leaves functions out", () => {
    const value = { at: new Date(0), call: () => 1, list: [() => 1, undefined] };
    expect(canonicalJson(value)).toBe(bySorting(value));
  });

  it("does not depend on the order in which members were added", () => {
    expect(sha256({ b: 1, a: [{ d: 2, c: 3 }] })).toBe(sha256({ a: [{ c: 3, d: 2 }], b: 1 }));
  });
});
