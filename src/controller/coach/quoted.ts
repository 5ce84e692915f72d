import { invisible } from "../../core/invisible.js";
import { withoutControlTokens } from "../../stages/support/judging/quoted.js";

/** A text that a model wrote as one JSON string on one line: it cannot pass for a line of our own. */
export function quoted(text: string, most: number): string {
  return JSON.stringify(clipped(withoutControlTokens(text), most));
}

/** One line of at most so many characters, all of which can be seen. */
export function clipped(text: string, most: number): string {
  const line = text.replace(invisible, " ").replace(/\s+/g, " ").trim();
  const characters = [...line];
  if (characters.length <= most) return line;
  return `${characters
    .slice(0, most - 1)
    .join("")
    .trimEnd()}…`;
}
