import { describe, expect, it } from "vitest";
import { finalNumber } from "../../src/verifiers/final-number.js";
import { checkNumeric } from "../../src/verifiers/numeric.js";

const read = (text: string): string => {
  const found = finalNumber(text);
  return found.kind === "found" ? found.number.key : found.kind;
};

describe("the final number of a text", () => {
  it.each([
    // plain forms
    ["42", "42"],
    ["  42.\n", "42"],
    ["-7", "-7"],
    ["\u22127", "-7"],
    ["0.50", "0.5"],
    [".5", "0.5"],
    ["1,000", "1000"],
    ["12,345,678.25", "12345678.25"],
    ["1\u202f000 km", "1000"],
    ["$1,250.00", "1250"],
    ["-$5", "-5"],
    ["€3", "3"],
    ["Rs.500", "500"],
    ["50%", "50"],
    ["3/4", "0.75"],
    ["-3/4", "-0.75"],
    ["1 1/2 cups", "1.5"],
    ["2½", "2.5"],
    ["\\frac{3}{4}", "0.75"],
    ["1.5e3", "1500"],
    ["6 × 10^3", "6000"],
    ["１２", "12"],
    ["5kg", "5"],
    ["20 m^2", "20"],
    ["20 m²", "20"],
    ["20 m^{2} for x_1", "20"],
    ["Total:7", "7"],
    ["-0", "0"],
    ["It is -3", "-3"],
    ["It is −3 degrees", "-3"],
    ["x -3", "3"],
    ["10 -3", "3"],
    ["00123", "123"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["**18**", "18"],
    // claims
    ["\\boxed{7} and that is 100% sure", "7"],
    ["$\\boxed{x = 12\\text{ cm}}$", "12"],
    ["3 + 4 is 7.\n#### 7\nDone in 2 steps", "7"],
    ["The answer is 12 apples, 3 more than 9.", "12"],
    ["Answer: $1,234.50 for 3 people", "1234.5"],
    ["answer:7 (2 tries)", "7"],
    ["The final answer is therefore -3. I used 2 rules.", "-3"],
    ["The answer is 3 + 4 = 7 in 2 steps.", "7"],
    ["The answer is\n\n8", "8"],
    ["The answer is 7. So the answer is 7.", "7"],
    ["The answer is 0.5, in other words the answer is 1/2.", "0.5"],
    ["The correct answer is the sum of 3 and 4, which is 7.", "7"],
    ["The answer is not 12, it is 9", "9"],
    // the last sentence, the last number
    ["3 + 4 = 7", "7"],
    ["12 / 4 = 3 each for 4 children", "3"],
    ["5 + 3 = 8. Then 8 minus 2 is 6.", "6"],
    ["10-3", "3"],
    ["First 2, then 5", "5"],
    ["1. Add them.\n2. You get 30 in all.\n3. Done.", "30"],
    ["7. ", "7"],
    ["7. That is it", "7"],
    ["She has 12 left on the 3rd day", "12"],
    ["H2O and 4 cups of it", "4"],
    ["At 3:45 there were 6 left at 12:30", "6"],
    // nothing to read
    ["seven", "none"],
    ["", "none"],
    ["H2O", "none"],
    ["2^3", "none"],
    ["3/0", "none"],
    ["1e999", "none"],
    ["12:30", "none"],
    ["∞ NaN Infinity", "none"],
    // two answers
    ["The answer is 12. Wait, the answer is 14.", "ambiguous"],
    ["The answer is 12 or 14.", "ambiguous"],
    ["\\boxed{3} or \\boxed{4}", "ambiguous"],
    ["\\boxed{3, 4}", "ambiguous"],
    ["It is 12 or 14", "ambiguous"],
    ["There are 12 apples or 14 apples", "ambiguous"],
    ["= 3 or 4", "ambiguous"],
    ["#### 5\nThe answer is 6", "ambiguous"],
  ])("%j → %s", (text, expected) => expect(read(text)).toBe(expected));

  it("stays quick on hostile texts", () => {
    const start = performance.now();
    for (const piece of [
      "9",
      "1,",
      "answer is ",
      "= ",
      "\\boxed{",
      "1 or ",
      "-",
      "1/",
      " ",
      "(",
      "1.",
      "\n1. ",
    ]) {
      finalNumber(piece.repeat(20_000 / piece.length));
    }
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("checkNumeric", () => {
  it.each([
    ["The answer is 1,000.", "1000", "ok"],
    ["75%", "75", "ok"],
    ["3/4", "0.75", "ok"],
    ["1.33333333", "1.3333333333333333", "ok"],
    ["1.33", "1.3333333333333333", "wrong"],
    ["1000000", "1000001", "wrong"],
    ["12345678901234567890", "12345678901234567891", "wrong"],
    ["0.1", "0.1000001", "ok"],
    ["-5", "5", "wrong"],
    ["no idea", "5", "ungradable"],
    ["5 or 6", "5", "ungradable"],
    ["5", "five", "ungradable"],
    ["5", null, "ungradable"],
    ["5", " ", "ungradable"],
    ["18", "She has 9 + 9 = 18 of them.\n#### 18", "ok"],
  ] as const)("%j against %j is %s", (answer, reference, outcome) => {
    expect(checkNumeric(answer, reference).outcome).toBe(outcome);
  });

  it("takes the task's tolerance, for integers too", () => {
    expect(checkNumeric("99", "100", 0.02).outcome).toBe("ok");
    expect(checkNumeric("97", "100", 0.02).outcome).toBe("wrong");
    expect(checkNumeric("0.5000001", "0.5", 0).outcome).toBe("wrong");
  });

  it("says what it read and whose fault it is", () => {
    expect(checkNumeric("It is 14.", "15").finding).toContain("read as 14");
    expect(checkNumeric("5", "five").finding).toContain("reference is not a number");
    expect(checkNumeric("none", "5").finding).toContain("no number");
    expect(checkNumeric("5 or 6", "5").finding).toContain("more than one number");
  });
});
