import { invisible } from "../core/invisible.js";

/** Characters of a text that a report shows at most. */
const shown = 200;

/** One line without anything that a terminal or a reader could take for something else, cut at 200 characters. */
export function oneLine(text: string, limit = shown): string {
  const line = text
    .trim()
    .replace(/\s*[\r\n\u2028\u2029]+\s*/g, " ↵ ")
    .replace(/\t/g, " ")
    .replace(invisible, "\ufffd");
  const characters = [...line];
  return characters.length <= limit ? line : `${characters.slice(0, limit).join("").trimEnd()}…`;
}

/**
 * Text that we did not write, as a Markdown code span: nothing in it is a link, a mention, markup or
 * HTML. The fence is longer than any run of backticks inside.
 */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === "") return "(nothing)";
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  // A span may not begin or end with a backtick; one space on each side is stripped by Markdown.
  const padded = /^`|`$|^ .* $/.test(line) ? ` ${line} ` : line;
  return `${fence}${padded}${fence}`;
}

/** Text of ours in which `this` is something to type, as Markdown. */
export function prose(text: string): string {
  return oneLine(text, 1000)
    .split(/`([^`]+)`/)
    .map((part, i) => (i % 2 === 1 ? code(part) : part.replace(/\S.*\S|\S/, escaped)))
    .join("");
}

/** Text of ours that may hold a path or a name, inside a Markdown sentence. */
export function escaped(text: string): string {
  return oneLine(text, 500)
    .replace(/[\\`*_{}[\]<>#|~!&@]/g, "\\$&")
    .replace(/:\/\//g, "\\://")
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}\\.`);
}
