import { describe, expect, it } from "vitest";
import {
  promptOutput,
  readCritique,
  readFields,
  schemaOf,
  wordsOf,
} from "../../src/core/prompt-output.js";

const verdict = { enum: ["right", "wrong"] };
const percent = { type: "integer", minimum: 0, maximum: 100 } as const;
const text = { type: "string" } as const;
const full = promptOutput.parse({ critique: text, verdict, confidence: percent });
const scored = promptOutput.parse({ score: { type: "integer", minimum: 1, maximum: 5 } });
const said = (output: typeof full, answer: string) => readCritique(output, answer, true);

describe("what a prompt says of its answer", () => {
  it.each([
    ["nothing at all", {}, "name a field"],
    ["a type that nothing reads", { critique: { type: "array" } }, "text, none, or fields"],
    ["no range", { score: { type: "integer", minimum: 3, maximum: 3 } }, "not below its maximum"],
    ["a verdict in other words", { verdict: { enum: ["good", "bad"] } }, "enum of right, wrong"],
    ["one that cannot be wrong", { verdict: { enum: ["right", "unsure"] } }, "enum of right"],
    ["a verdict that is text", { verdict: text }, "enum of right"],
    ["a confidence in nothing", { confidence: percent }, "integer beside a verdict"],
    ["a confidence in words", { verdict, confidence: text }, "integer beside a verdict"],
    ["a score beside a verdict", { verdict, score: percent }, "no verdict beside it"],
    ["another word than text or none", "json", "text, none, or fields"],
  ])("is refused with %s", (_what, output, message) => {
    expect(promptOutput.safeParse(output).error?.issues[0]?.message).toContain(message);
  });

  it("is a JSON schema in the order of the fields, each required", () => {
    expect(schemaOf(full)).toEqual({
      type: "object",
      properties: { critique: text, verdict: { type: "string", ...verdict }, confidence: percent },
      required: ["critique", "verdict", "confidence"],
      additionalProperties: false,
    });
    expect([schemaOf("text"), schemaOf("none")]).toEqual([null, null]);
  });
});

describe("reading a critique", () => {
  it.each([
    ["lines", "critique: the carry is lost\nverdict: wrong\nconfidence: 80"],
    [
      "lines in another order and case",
      "Verdict: Wrong.\nConfidence: 80\nCritique: the carry is lost",
    ],
    [
      "lines with marks",
      "**Critique:** the carry is lost\n- **Verdict:** wrong\n- confidence: 80%",
    ],
    [
      "lines after chatter",
      "Sure!\ncritique: the carry is lost\nverdict: wrong\nconfidence: 80/100",
    ],
    ["JSON", '{"critique": "the carry is lost", "verdict": "wrong", "confidence": 80}'],
    [
      "fenced JSON",
      '```json\n{"critique":"the carry is lost","verdict":"wrong","confidence":80}\n```',
    ],
  ])("is the same from %s", (_form, answer) => {
    expect(said(full, answer)).toEqual({ says: "wrong", confidence: 0.8 });
    expect(wordsOf(full, answer)).toBe("the carry is lost");
  });

  it.each([
    ["a missing field", "critique: off\nverdict: wrong"],
    ["a field said twice", "critique: off\nverdict: wrong\nverdict: right\nconfidence: 3"],
    ["the choices repeated", "critique: off\nverdict: right or wrong\nconfidence: 3"],
    ["a word that is no choice", "critique: off\nverdict: incorrect\nconfidence: 3"],
    ["a number out of range", "critique: off\nverdict: wrong\nconfidence: 101"],
    ["a number in words", "critique: off\nverdict: wrong\nconfidence: high"],
    ["a negative number", "critique: off\nverdict: wrong\nconfidence: -3"],
    ["an empty text", "critique:\nverdict: wrong\nconfidence: 3"],
    ["broken JSON", '{"critique": "off", "verdict": "wrong", "confidence": 3'],
    ["JSON with a key of its own", '{"critique":"o","verdict":"wrong","confidence":3,"why":1}'],
    ["JSON with null", '{"critique":"o","verdict":null,"confidence":3}'],
    ["nothing but words", "This is surely wrong."],
    ["nothing", ""],
  ])("is ungradable, never wrong, with %s", (_what, answer) => {
    expect(said(full, answer)).toEqual({ says: "ungradable", confidence: null });
    expect(wordsOf(full, answer)).toBe(answer);
  });

  it("is ungradable where it was cut off, even after its verdict", () => {
    const answer = "verdict: wrong\nconfidence: 80\ncritique: the carry is";
    expect(readCritique(full, answer, false).says).toBe("ungradable");
  });

  it("takes a score for the chance that the answer is right", () => {
    const of = (score: number) => said(scored, `score: ${score}`);
    expect([1, 2, 3, 4, 5].map(of)).toEqual([
      { says: "wrong", confidence: 1 },
      { says: "wrong", confidence: 0.75 },
      { says: "unsure", confidence: 0.5 },
      { says: "right", confidence: 0.75 },
      { says: "right", confidence: 1 },
    ]);
  });

  it("takes one field alone without its name, and nothing around it", () => {
    expect(said(scored, " 4 ")).toEqual({ says: "right", confidence: 0.75 });
    expect(said(scored, "4 of 5").says).toBe("right");
    expect(said(scored, "I would say 4").says).toBe("ungradable");
    expect(wordsOf(scored, "4")).toBe("score: 4 of 5");
  });

  it("says nothing where it was not asked", () => {
    const nothing = { says: null, confidence: null };
    expect(said("text", "verdict: wrong")).toEqual(nothing);
    expect(said(promptOutput.parse({ critique: text }), "no")).toEqual(nothing);
    expect(wordsOf("text", "verdict: wrong")).toBe("verdict: wrong");
  });

  it("keeps a text of several lines, up to the next field", () => {
    const fields = { test: text, result: text, verdict };
    const answer = "test: 42 - 25\nis 17\n\nresult: it is 7\nverdict: wrong\nSo there.";
    expect(readFields(fields, answer)).toEqual({
      test: "42 - 25\nis 17",
      result: "it is 7",
      verdict: "wrong",
    });
  });
});
