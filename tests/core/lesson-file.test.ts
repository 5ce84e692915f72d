import { expect, it } from "vitest";
import { lessonLineText, parseLessonLine } from "../../src/core/lesson-file.js";

const least = {
  schema: "redistill-lesson",
  version: 1,
  family: "sums",
  texts: ["Carry the tens."],
};
const lineOf = (changes: object) => parseLessonLine(JSON.stringify({ ...least, ...changes }));

it("needs little, and is read back as it is written", () => {
  const line = lineOf({ cluster: "carrying", tasks: ["Calculate 1 + 2."] });
  expect(line).toMatchObject({ state: "active", reason: null, counts: { shownTasks: 0 } });
  if (typeof line === "string") throw new Error(line);
  expect(parseLessonLine(lessonLineText(line))).toEqual(line);
});

it.each([
  ["no JSON", "{", "it is no JSON"],
  ["another version", JSON.stringify({ ...least, version: 2 }), "it has version 2"],
  ["another schema", JSON.stringify({ ...least, schema: "x" }), "schema: "],
  ["an unknown key", JSON.stringify({ ...least, text: "x" }), '"text"'],
  ["two lines in one", JSON.stringify({ ...least, texts: ["a\nb"] }), "texts.0: no lesson"],
  ["nothing said", JSON.stringify({ ...least, texts: ["42"] }), "it says nothing"],
  ["hidden characters", JSON.stringify({ ...least, texts: ["a\u200bb"] }), "nobody sees"],
  [
    "more right than tasks",
    JSON.stringify({
      ...least,
      counts: { shownRight: 2, shownTasks: 1, withheldRight: 0, withheldTasks: 0 },
    }),
    "more right than tasks",
  ],
  ["a state without its reason", JSON.stringify({ ...least, state: "retired" }), "reason: "],
])("says what is wrong with %s", (_what, text, fault) => {
  expect(parseLessonLine(text)).toContain(fault);
});
