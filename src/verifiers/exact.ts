import { type Check, NO_REFERENCE, NOT_EXPECTED, ok, ungradable, wrong } from "./verdict.js";

/**
 * The form in which two texts are compared: Unicode NFC, whitespace folded to single spaces,
 * trimmed, one closing full stop dropped (an ellipsis is kept).
 */
export function normaliseText(text: string, ignoreCase = false): string {
  const folded = text.normalize("NFC").replace(/\s+/gu, " ").trim();
  const bare = folded.replace(/(?<![.。])[.。]$/u, "").trimEnd();
  return ignoreCase ? bare.toLowerCase() : bare;
}

/** Ok when answer and reference are the same text after {@link normaliseText}. */
export function checkExact(answer: string, reference: string | null, ignoreCase = false): Check {
  const wanted = normaliseText(reference ?? "", ignoreCase);
  if (wanted === "") return ungradable(NO_REFERENCE);
  const found = normaliseText(answer, ignoreCase);
  if (found === "") return ungradable("The answer holds no text.");
  return found === wanted ? ok("The answer is the expected one.") : wrong(NOT_EXPECTED);
}
