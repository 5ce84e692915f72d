import { stringify } from "yaml";
import { invisible } from "../../core/invisible.js";
import type { StudySpec } from "../../core/study.js";

/** The spec as a file that gives the same study, line by line. */
export function specLines(spec: StudySpec): string[] {
  return stringify(spec, { lineWidth: 100 })
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\t/g, " ").replace(invisible, "\ufffd"));
}
