import { invisible } from "../core/invisible.js";

/**
 * Text that is safe on a terminal: a model's answer may hold escape sequences that would move the
 * cursor, set the title or write to the clipboard, and marks that reorder what is read. Line breaks
 * and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(invisible, (mark) => (mark === "\n" || mark === "\t" ? mark : "\ufffd"));
}
