// Control characters, marks that reorder, hide or join text so that it reads as something else, and
// tags (U+E0000 to U+E007F), which write whole sentences that nobody sees.
export const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  /\udb40[\udc00-\udc7f]|[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** JSON on one line, in which such characters are escapes: the same value, safe on a terminal. */
export function escapedJson(value: unknown): string {
  return JSON.stringify(value).replace(invisible, (mark) =>
    mark
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
