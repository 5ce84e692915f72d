import { diffWordsWithSpace } from "diff";

/** A piece of a text, and whether the other text has it too. */
export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

/** Characters of an answer that are compared and shown at most. */
const longest = 600;

/**
 * Two answers word by word: what only one of them has is marked in it. Answers are cut where they are
 * long, as the time that a comparison takes grows with the square of their length.
 */
export function wordDifference(before: string, after: string): { before: Piece[]; after: Piece[] } {
  const changes = diffWordsWithSpace(cut(before), cut(after));
  const side = (other: "added" | "removed") =>
    changes
      .filter((change) => !change[other])
      .map(({ value, added, removed }) => ({ text: value, changed: added || removed }));
  return { before: side("added"), after: side("removed") };
}

function cut(text: string): string {
  const characters = [...text.trim()];
  return characters.length <= longest ? text.trim() : `${characters.slice(0, longest).join("")}…`;
}
