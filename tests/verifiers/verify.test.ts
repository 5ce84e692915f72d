import { describe, expect, it } from "vitest";
import type { VerifierSpec } from "../../src/core/entities.js";
import { RedistillError } from "../../src/core/errors.js";
import { randomFrom } from "../../src/core/random.js";
import { createVerify, type ReasoningGymItem } from "../../src/verifiers/index.js";
import { taskOf } from "./support.js";

const kinds: VerifierSpec[] = [
  { kind: "exact" },
  { kind: "exact", ignoreCase: true },
  { kind: "numeric" },
  { kind: "contains" },
  { kind: "json" },
];
const one = async (spec: VerifierSpec, answer: string, reference: string | null) =>
  (await createVerify({})([{ task: taskOf(spec, reference), answer }]))[0]!;

describe("any verifier", () => {
  it.each(kinds)("$kind: strange answers are ungradable, with a reason", async (spec) => {
    for (const answer of ["", " \n", "7\0", "7".repeat(20_001)]) {
      const verdict = await one(spec, answer, "7");
      expect(verdict).toMatchObject({ outcome: "ungradable", score: null, verifier: spec.kind });
      expect(verdict.finding).toMatch(/empty|NUL|longer/u);
    }
    expect((await one(spec, "7", null)).finding).toContain("no reference");
  });

  it("never throws, and is ok for ok's reasons only", async () => {
    const random = randomFrom(1);
    const pieces = [
      "7",
      "-",
      "{",
      "}",
      '"',
      ":",
      " | ",
      "=",
      "answer is ",
      "\\boxed{",
      ",",
      "a",
      "\ud800",
      "é",
      "\n",
      "(",
      "[",
      "*",
      "\\",
      "$",
      "/",
      "or ",
    ];
    const text = (length: number) =>
      Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join("");
    for (let i = 0; i < 3000; i++) {
      const spec = kinds[i % kinds.length]!;
      const verdict = await one(spec, text(1 + (i % 12)), text(1 + (i % 5)));
      expect(["ok", "wrong", "ungradable"]).toContain(verdict.outcome);
      expect(verdict.score === null).toBe(verdict.outcome === "ungradable");
      expect(verdict.score === 1).toBe(verdict.outcome === "ok");
    }
  });
});

describe("findings do not give the reference away", () => {
  const random = randomFrom(2);
  const number = () => String(100 + Math.floor(random() * 900));
  const word = () => `zq${Math.floor(random() * 1e6).toString(36)}`;
  const cases: [VerifierSpec, () => string, (value: string) => string][] = [
    [{ kind: "exact" }, word, (value) => value],
    [{ kind: "contains" }, word, (value) => `It is ${value}.`],
    [{ kind: "numeric" }, number, (value) => `So ${value} it is`],
    [{ kind: "json" }, word, (value) => `{"key":"${value}"}`],
  ];

  it.each(cases)("$kind", async (spec, value, say) => {
    for (let i = 0; i < 300; i++) {
      const [reference, other, given] = [value(), value(), value()];
      if (given === reference || given === other) continue;
      const wrap = (text: string) => (spec.kind === "json" ? say(text) : text);
      const verdict = await one(spec, say(given), wrap(reference));
      expect(verdict.outcome).toBe("wrong");
      expect(verdict.finding).not.toContain(reference);
      // Stronger: with another reference that makes the answer just as wrong, not a letter changes.
      expect(await one(spec, say(given), wrap(other))).toEqual(verdict);
    }
  });
});

describe("reasoning-gym", () => {
  const rg: VerifierSpec = { kind: "reasoning_gym" };
  const task = (dataset: string, answer: string, config: Record<string, unknown> = {}) =>
    taskOf(rg, answer, { dataset, config, entry: { answer } });

  it("scores in one call per dataset and config, and keeps the order among other verifiers", async () => {
    const calls: [string, number][] = [];
    const verify = createVerify({
      reasoningGym: {
        async score(dataset, _config, items: readonly ReasoningGymItem[]) {
          calls.push([dataset, items.length]);
          return items.map(({ entry, answer }) => (entry.answer === answer ? 1 : 0.25));
        },
      },
    });
    const verdicts = await verify([
      { task: task("a", "1", { min: 1, max: 2 }), answer: " 1 " },
      { task: taskOf({ kind: "exact" }, "x"), answer: "x" },
      { task: task("b", "2"), answer: "3" },
      { task: task("a", "4", { max: 2, min: 1 }), answer: "I think <answer>4</answer>" },
      { task: task("a", "5", { min: 2 }), answer: "" },
      { task: taskOf(rg, "6"), answer: "6" },
    ]);
    expect(calls).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(verdicts.map((verdict) => [verdict.outcome, verdict.score])).toEqual([
      ["ok", 1],
      ["ok", 1],
      ["wrong", 0.25],
      ["ok", 1],
      ["ungradable", null],
      ["ungradable", null],
    ]);
    expect(verdicts[5]!.finding).toContain("no reasoning-gym entry");
  });

  it.each([
    ["throws", () => Promise.reject(new Error("worker died")), "worker died"],
    [
      "throws its own",
      () => Promise.reject(new RedistillError("setup", "no python", "x")),
      "no python",
    ],
    ["gives too few scores", () => Promise.resolve([]), "0 scores for 1"],
    ["gives no number", () => Promise.resolve([Number.NaN]), "no number"],
  ])("a scorer that %s is an error, not a wrong answer", async (_name, score, message) => {
    const verified = createVerify({ reasoningGym: { score } })([
      { task: task("a", "1"), answer: "1" },
    ]);
    await expect(verified).rejects.toThrow(RedistillError);
    await expect(verified).rejects.toThrow(message);
  });

  it("says that no scorer is set up, but only where one is needed", async () => {
    await expect(createVerify({})([{ task: task("a", "1"), answer: "1" }])).rejects.toThrow(
      "set up",
    );
    expect(await createVerify({})([])).toEqual([]);
  });
});
