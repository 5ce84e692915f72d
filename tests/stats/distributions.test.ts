import { describe, expect, it } from "vitest";
import { betaQuantile, logGamma, regularizedBeta } from "../../src/stats/beta.js";
import { normalCdf, normalQuantile } from "../../src/stats/normal.js";
import { noncentralTail, studentCritical, studentTail } from "../../src/stats/student.js";
import { reference } from "./reference.js";

const functions: Record<string, (...args: number[]) => number> = {
  normalCdf,
  studentTail,
  studentCritical,
  noncentralTail,
  regularizedBeta,
  logGamma,
};
/** How many digits each is good for. */
const digits: Record<string, number> = { noncentralTail: 7, studentTail: 9 };

describe.each(Object.entries(reference.distributions))("%s", (name, rows) => {
  it.each(rows)("agrees with scipy", (...row) => {
    const expected = row.at(-1)!;
    const found = functions[name]!(...row.slice(0, -1));
    expect((found - expected) / (expected || 1)).toBeCloseTo(0, digits[name] ?? 11);
  });
});

describe("inverses", () => {
  it("give back what they are asked for", () => {
    for (const p of [1e-6, 0.02, 0.5, 0.8, 0.999]) {
      expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 13);
      expect(regularizedBeta(betaQuantile(p, 3, 17), 3, 17)).toBeCloseTo(p, 12);
      if (p < 0.5) expect(studentTail(studentCritical(p, 4.4), 4.4)).toBeCloseTo(p, 12);
    }
  });

  it("are those of tables: t(0.025, 2), t(0.05, 10), z(0.05)", () => {
    expect(studentCritical(0.025, 2)).toBeCloseTo(4.303, 3);
    expect(studentCritical(0.05, 10)).toBeCloseTo(1.812, 3);
    expect(studentCritical(0.05, Infinity)).toBeCloseTo(1.645, 3);
  });
});
