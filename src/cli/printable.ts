/**
 * Text that is safe on a terminal: a model's answer may hold escape sequences that would move the
 * cursor, set the title or write to the clipboard. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
