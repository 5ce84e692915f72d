import { normaliseText } from "./exact.js";
import { type Check, NO_REFERENCE, ok, ungradable, wrong } from "./verdict.js";

const separator = "|";

/**
 * Checks a line of fields between bars, `a | b | c`, against a reference of the same form; white
 * space around fields does not count. The score is the share of fields that are right. The form is
 * part of the task, so an answer in another form is wrong.
 */
export function checkFields(answer: string, reference: string | null): Check {
  if (reference === null) return ungradable(NO_REFERENCE);
  const expected = fieldsOf(reference);
  const found = fieldsOf(answer);
  if (found.length !== expected.length) {
    const has = found.length === 1 ? "is no line of fields" : `has ${found.length} fields`;
    return wrong(`The answer ${has}; the form has ${expected.length}.`);
  }
  const bad = expected.flatMap((field, index) => (field === found[index] ? [] : [index + 1]));
  if (bad.length === 0) return ok("All fields are right.");
  const which = bad.length === 1 ? `Field ${bad[0]} is` : `Fields ${bad.join(", ")} are`;
  return wrong(`${which} not what is expected.`, 1 - bad.length / expected.length);
}

/** The fields of a line, trimmed; also what makes two answers equal. */
export function fieldsOf(line: string): string[] {
  return normaliseText(line)
    .split(separator)
    .map((field) => field.trim());
}
