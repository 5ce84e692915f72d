import { expect, it } from "vitest";
import { checkFields } from "../../src/verifiers/fields.js";

const reference = "Ada | 12 | wooden chairs | Bern";

it.each([
  ["Ada | 12 | wooden chairs | Bern", "ok", 1],
  [" Ada|12 |  wooden  chairs| Bern.\n", "ok", 1],
  ["Ada | 12 | chairs | Bern", "wrong", 0.75],
  ["Bern | 12 | wooden chairs | Ada", "wrong", 0.5],
  ["Ada | 12 | wooden chairs", "wrong", 0],
  ["Ada wants 12 wooden chairs.", "wrong", 0],
])("checks a line of fields: %s", (answer, outcome, score) => {
  expect(checkFields(answer, reference)).toMatchObject({ outcome, score });
});

it("says which fields are wrong, and not what is right", () => {
  const { finding } = checkFields("Eva | 12 | chairs | Bern", reference);
  expect(finding).toBe("Fields 1, 3 are not what is expected.");
  expect(checkFields("Ada", reference).finding).toBe(
    "The answer is no line of fields; the form has 4.",
  );
});

it("cannot check without a reference", () => {
  expect(checkFields("Ada | 12", null).outcome).toBe("ungradable");
});
