import { describe, expect, it } from "vitest";
import { points } from "../../src/core/points.js";
import { duration, interval, pValue } from "../../src/report/figures.js";
import { code, escaped, oneLine } from "../../src/report/text.js";

describe("oneLine", () => {
  it("keeps a plain line", () => expect(oneLine("  12 + 30 = 42 ")).toBe("12 + 30 = 42"));
  it("joins lines", () => expect(oneLine("a\r\n\n b\tc")).toBe("a ↵ b c"));
  it("cuts at 200 characters, not in the middle of one", () => {
    const text = oneLine("😀".repeat(300));
    expect([...text]).toHaveLength(201);
    expect(text.endsWith("😀…")).toBe(true);
  });
  it("takes half characters and what cannot be seen away", () =>
    expect(oneLine("a\ud800b\u202ec\u001bd\u200be\u009bf")).toBe("a�b�c�d�e�f"));
});

describe("code", () => {
  it("has a fence longer than any in the text", () => {
    expect(code("a `b` ``c``")).toBe("``` a `b` ``c`` ```");
    expect(code("plain")).toBe("`plain`");
    expect(code(" \n ")).toBe("(nothing)");
  });
});

describe("escaped", () => {
  it("leaves nothing that is markup or a link", () => {
    expect(escaped("<b> [a](b) `c` | _d_ https://e www.f.org")).toBe(
      "\\<b\\> \\[a\\](b) \\`c\\` \\| \\_d\\_ https\\://e www\\.f.org",
    );
  });
});

describe("figures", () => {
  it("always has a sign, and none for nothing", () => {
    expect(points(0.375)).toBe("+37.5");
    expect(points(-0.02)).toBe("-2.0");
    expect(points(-0.0001)).toBe("+0.0");
    expect(interval({ low: -0.01, high: 0.2 })).toBe("-1.0 to +20.0");
  });
  it("does not call a small p zero", () => {
    expect(pValue(3e-9)).toBe("p < 0.0001");
    expect(pValue(0.01234)).toBe("p = 0.012");
    expect(pValue(1)).toBe("p = 1");
  });
  it("writes times", () => {
    expect([0, 0.2, 59, 75, 3720].map(duration)).toEqual(["0s", "<1s", "59s", "1m 15s", "1h 02m"]);
  });
});
