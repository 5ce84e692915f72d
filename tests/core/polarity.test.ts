import { expect, it } from "vitest";
import { areOpposed, withoutPolarity } from "../../src/core/polarity.js";

it.each([
  ["Write the unit.", "Do not write the unit.", true],
  ["Always carry the tens.", "Never carry the tens.", true],
  ["Put the name before the town.", "Put the name after the town.", true],
  ["Never put the name before the town.", "Always put the name after the town.", false],
  ["Don’t add a word.", "Do not add a word.", false],
  ["Write the unit.", "Write the unit first.", false],
  ["Name the first and the last item.", "Name the last item.", false],
])("%s / %s", (first, second, opposed) => {
  expect(areOpposed(first, second)).toBe(opposed);
  expect(areOpposed(second, first)).toBe(opposed);
});

it("leaves what is told to do", () => {
  expect(withoutPolarity("Do not put the name before the town.")).toBe("put the name the town");
});
