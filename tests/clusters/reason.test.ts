import { describe, expect, it } from "vitest";
import { arithmeticOf } from "../../src/clusters/arithmetic.js";
import { distinctName, nameByReason, readName } from "../../src/clusters/names.js";
import { placesOf, reasonOf } from "../../src/clusters/reason.js";
import { stepsOf } from "../../src/clusters/steps.js";

describe("a reason", () => {
  it.each([
    [
      "The final answer was read as -1,234.5, which is not right.",
      "The final answer was read as #, which is not right.",
    ],
    [
      "The final answer was read as 50%, which is not right.",
      "The final answer was read as #, which is not right.",
    ],
    ["Fields 1, 3 are not what is expected.", "Fields # are not what is expected."],
    [
      'Missing keys: "city", "zip". Keys with a wrong value: "owes".',
      "Missing keys: …. Keys with a wrong value: ….",
    ],
    ["The judge's grade is 2 of 5; 4 is needed.", "The judge's grade is # of #; # is needed."],
    ["It\u202e is  wrong.", "It is wrong."],
    ["", ""],
  ])("of %j is %j", (finding, reason) => {
    expect(reasonOf(finding)).toBe(reason);
  });

  it("has places where the finding names some", () => {
    expect(placesOf("fields", "Fields 1, 3 are not what is expected.")).toEqual(["1", "3"]);
    expect(placesOf("json", 'Missing keys: "city".')).toEqual(['"city"']);
    expect(placesOf("numeric", "The final answer was read as 7, which is not right.")).toEqual([]);
  });
});

describe("how a wrong number was made", () => {
  const read = (number: string) => `The final answer was read as ${number}, which is not right.`;

  it.each([
    ["9", "Tom had 9 pens and lost 4.", "the task itself has that number"],
    ["13", "Tom had 9 pens and lost 4.", "it is the sum of two of the task's numbers"],
    ["-5", "Tom had 9 pens and lost 4.", "it is the difference of two of the task's numbers"],
    ["1,200.5", "At $2.00 for 600.25 each.", "it is the product of two of the task's numbers"],
    ["2.25", "Tom had 9 pens and lost 4.", "it is one of the task's numbers divided by another"],
    ["16", "He had 9, then 4, then 3.", "it is the sum of all of the task's numbers"],
    ["17", "Tom had 9 pens and lost 4.", null],
    ["4", "Tom had 4 pens.", null],
    ["3", "1 2 3 4 5 6 of them", null],
  ])("%s of %j: %j", (number, prompt, expected) => {
    expect(arithmeticOf("numeric", read(number), prompt)).toBe(expected);
  });

  it("is said of numbers alone that were read as one", () => {
    expect(arithmeticOf("exact", read("9"), "9 and 4")).toBeNull();
    expect(arithmeticOf("numeric", "The answer holds no number.", "9 and 4")).toBeNull();
  });
});

describe("the first wrong step", () => {
  const stepOf = (text: string) => stepsOf(new Map([["a", text]])).get("a") ?? null;

  it.each([
    ["The carry was lost. So the sum is off.", "The carry was lost."],
    ["---\n\n1.\nStep 2 is 3.5 too high\nmore", "Step 2 is 3.5 too high"],
    ["12 + 3\n", null],
    ["The answer is wrong. The carry was lost.", "The carry was lost."],
    [
      'No, your answer "42" is not correct.\nIt\u2019s incorrect! Tens were added to ones.',
      "Tens were added to ones.",
    ],
    [
      "Sorry, there is a mistake: the carry was lost.",
      "Sorry, there is a mistake: the carry was lost.",
    ],
    ["The answer is wrong.", null],
    ["This is incorrect.\nThe result is not right.", null],
    ["The first step is wrong.", "The first step is wrong."],
  ])("of %j is %j", (text, step) => {
    expect(stepOf(text)).toBe(step);
  });

  const critiques = (...texts: string[]) => new Map(texts.map((text, i) => [`a${i}`, text]));

  it("is not what most critiques of the round say, whatever the numbers in it", () => {
    const steps = stepsOf(
      critiques(
        "Let me check 12 + 9. The carry was lost.",
        "let me check 40 + 7. Tens were added to ones.",
        "Let me check 1 + 2. The answer is wrong.",
        "The sign was dropped. Let me check 1 + 2.",
      ),
    );
    expect(Object.fromEntries(steps)).toEqual({
      a0: "The carry was lost.",
      a1: "Tens were added to ones.",
      // It has nothing else.
      a2: "Let me check 1 + 2.",
      a3: "The sign was dropped.",
    });
  });

  it("may be said by half of them, or by all of a few", () => {
    const half = ["The carry was lost. Look.", "The carry was lost. See."];
    const others = ["The sign was dropped.", "Tens were added to ones."];
    const first = (texts: string[]) => stepsOf(critiques(...texts)).get("a0");
    expect(first([...half, ...others])).toBe("The carry was lost.");
    expect(first([...half, half[0]!])).toBe("The carry was lost.");
    expect(first([...half, half[0]!, ...others])).toBe("Look.");
  });
});

describe("a name", () => {
  it.each([
    ["Lost carry", "Lost carry"],
    [' "**Lost carry.**"\n', "Lost carry"],
    ["Lost carry\nIt is lost.", null],
    ["x".repeat(61), null],
    ["Lost\u001b[31m carry", null],
    ["Lost \u202ecarry", null],
    ["12", null],
    ["  ", null],
  ])("is read of %j as %j", (text, name) => {
    expect(readName(text)).toBe(name);
  });

  it("is the reason where there is no other", () => {
    const of = (reason: string, verifier = "exact") =>
      nameByReason({ outcome: "wrong", verifier, reason });
    expect(of("The answer is not the expected one.")).toBe("The answer is not the expected one");
    expect(of("")).toBe("exact");
    expect(of("", "")).toBe("other failures");
    expect([...of("long ".repeat(40))]).toHaveLength(60);
  });

  it("is nobody else's", () => {
    const taken = new Set(["Lost carry", "Lost carry 2", "x".repeat(60)]);
    expect(distinctName("Lost carry", taken)).toBe("Lost carry 3");
    expect(distinctName("x".repeat(60), taken)).toBe(`${"x".repeat(57)}… 2`);
    expect(distinctName("New", taken)).toBe("New");
  });
});
