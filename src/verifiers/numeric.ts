import { finalNumber } from "./final-number.js";
import type { NumberToken } from "./numbers.js";
import { type Check, NO_REFERENCE, ok, ungradable, wrong } from "./verdict.js";

const DEFAULT_TOLERANCE = 1e-6;

/**
 * Ok when the final number of the answer (see {@link finalNumber}) is the reference's.
 *
 * `|answer - reference| <= tolerance * max(1, |reference|)`; two integers must be equal unless the
 * task sets a tolerance, since 1,000,001 is not 1,000,000. Units, currency and the percent sign are
 * ignored on both sides: "50%" is 50. Numbers in words and decimal commas are not read.
 */
export function checkNumeric(answer: string, reference: string | null, tolerance?: number): Check {
  if (reference === null || reference.trim() === "") return ungradable(NO_REFERENCE);
  const wanted = finalNumber(reference);
  if (wanted.kind !== "found") return ungradable("The task's reference is not a number.");
  const found = finalNumber(answer);
  if (found.kind === "none") return ungradable("The answer holds no number.");
  if (found.kind === "ambiguous") {
    return ungradable("The answer gives more than one number as its final answer.");
  }
  const read = `The final answer was read as ${found.written}`;
  return close(found.number, wanted.number, tolerance)
    ? ok(`${read}, which is right.`)
    : wrong(`${read}, which is not right.`);
}

function close(found: NumberToken, wanted: NumberToken, tolerance: number | undefined): boolean {
  const integers = Number.isInteger(found.value) && Number.isInteger(wanted.value);
  if (tolerance === undefined && integers) return found.key === wanted.key;
  const allowed = (tolerance ?? DEFAULT_TOLERANCE) * Math.max(1, Math.abs(wanted.value));
  return Math.abs(found.value - wanted.value) <= allowed;
}
