import { invisible } from "../core/invisible.js";
import { redact } from "../core/secrets.js";

/**
 * Text that is safe on a terminal: a model's answer may hold escape sequences that would move the
 * cursor, set the title or write to the clipboard, and marks that reorder what is read. Line breaks
 * and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(invisible, (mark) => (mark === "\n" || mark === "\t" ? mark : "\ufffd"));
}

/** What may be shown to people: printable, and without secrets. */
export function presentable(text: string): string {
  return printable(redact(text));
}
