import { describe, expect, it } from "vitest";
import { answerKey, majority, majorityVerdicts } from "../../src/verifiers/index.js";

const numeric = { kind: "numeric" } as const;

describe("answerKey", () => {
  it.each([
    [numeric, "So the answer is 1,000.", "1000"],
    [numeric, "3/4", "0.75"],
    [numeric, "0.1 + 0.2 = 0.30000000000000004", "0.3"],
    [numeric, "twelve", null],
    [numeric, "1 or 2", null],
    [{ kind: "exact" }, " A  b. ", "A b"],
    [{ kind: "exact", ignoreCase: true }, "A b", "a b"],
    [{ kind: "contains" }, "Paris.", "paris"],
    [{ kind: "json" }, 'x {"b": " 1", "a": 2}', '{"a":2,"b":"1"}'],
    [{ kind: "json" }, "none", null],
    [{ kind: "reasoning_gym" }, "Well, <answer>B, a</answer>", "B, a"],
    [{ kind: "exact" }, "", null],
    [{ kind: "exact" }, "a\0", null],
  ] as const)("%j %.60j → %s", (spec, answer, key) => {
    expect(answerKey(spec, answer)).toEqual(key);
  });
});

it("does not throw for JSON nested too deeply to write", () => {
  const deep = `${'{"a":'.repeat(3300)}1${"}".repeat(3300)}`;
  expect(() => answerKey({ kind: "json" }, deep)).not.toThrow();
});

describe("majority", () => {
  it("counts answers that say the same in other words", () => {
    const result = majority(numeric, ["7", "The answer is 7.", "8", "seven"]);
    expect(result).toEqual({ key: "7", votes: 2, share: 0.5, keys: ["7", "7", "8", null] });
  });

  it.each([[["7", "8"]], [["7", "7", "8", "8", "9"]], [[]], [["x", "y"]]])(
    "%j has none",
    (answers) => {
      expect(majority(numeric, answers)).toMatchObject({ key: null, share: 0 });
    },
  );
});

describe("majorityVerdicts", () => {
  const outcomes = (answers: string[], threshold: number) =>
    majorityVerdicts(numeric, answers, threshold).map((verdict) => verdict.outcome);

  it("judges by a majority that reaches the threshold", () => {
    expect(outcomes(["7", "= 7", "8", "?"], 0.5)).toEqual(["ok", "ok", "wrong", "ungradable"]);
  });

  it("judges nobody where there is none", () => {
    expect(outcomes(["7", "= 7", "8", "?"], 0.6)).toEqual(Array(4).fill("ungradable"));
    expect(outcomes(["7", "8"], 0.1)).toEqual(["ungradable", "ungradable"]);
    expect(outcomes([], 0.5)).toEqual([]);
  });
});
