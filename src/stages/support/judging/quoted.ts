import { sha256 } from "../../../core/hash.js";

/**
 * A word that none of the texts holds: it stands around them, so that what an answer says of itself
 * cannot pass for the question that it is quoted in. Whoever wrote the texts could not know it.
 */
export function markFor(texts: readonly string[], ...parts: (string | number)[]): string {
  for (let again = 0; ; again++) {
    const mark = sha256(["mark", ...parts, again]).slice(0, 12);
    if (texts.every((text) => !text.includes(mark))) return mark;
  }
}

/**
 * A text without the tokens by which chat templates end a message: an engine reads them wherever
 * they stand, so that an answer with one could go on as the judge's own question.
 */
export function withoutControlTokens(text: string): string {
  return text.replace(/<(?=\||\/?(?:s|bos|eos|start_of_turn|end_of_turn)>)/gi, "< ");
}
