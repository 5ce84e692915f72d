import { reasonOf } from "./reason.js";

/** Critiques of a round below which nothing is said to be shared by most of them. */
const fewest = 4;

/** Words of sentences that say that an answer is wrong, and nothing of what went wrong in it. */
const verdictWords = new Set(
  (
    "a an the this that these it its it's is isn't was wasn't are be not no yes your their my given final proposed " +
    "student student's students assistant's above answer answers response solution result attempt output correct incorrect right " +
    "wrong false true mistaken invalid inaccurate error errors mistake mistakes incorrectly wrongly has have contains there " +
    "sorry unfortunately however but and so thus therefore hence clearly simply actually completely also still verdict " +
    "critique feedback"
  ).split(" "),
);

/**
 * The first wrong step that each of a round's critiques names: its first sentence that says more than that the answer is
 * wrong, and that no more than half of the critiques have, numbers and quoted parts aside: what most of them say is how the
 * critic talks ("Let me check the answer."), or tells no two failures apart. Where a critique has nothing else, the first
 * that most share stands for it. A critique that only says that the answer is wrong names no step and is absent.
 *
 * @param critiques By the attempt that they are of.
 */
export function stepsOf(critiques: ReadonlyMap<string, string>): Map<string, string> {
  const sentences = new Map(
    [...critiques].map(([id, text]) => [id, sentencesOf(text).filter(saysMore)]),
  );
  const holders = new Map<string, number>();
  for (const own of sentences.values()) {
    for (const key of new Set(own.map(keyOf))) holders.set(key, (holders.get(key) ?? 0) + 1);
  }
  const isShared = (sentence: string) =>
    critiques.size >= fewest && holders.get(keyOf(sentence))! > critiques.size / 2;
  const steps = new Map<string, string>();
  for (const [id, own] of sentences) {
    const step = own.find((sentence) => !isShared(sentence)) ?? own[0];
    if (step !== undefined) steps.set(id, step);
  }
  return steps;
}

/** Sentences and lines of a text that have letters in them. */
function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?。！？])\s+|\n+/u)
    .map((part) => part.trim())
    .filter((part) => /\p{L}/u.test(part));
}

function saysMore(sentence: string): boolean {
  const words = keyOf(sentence).match(/\p{L}+(?:['’]\p{L}+)?/gu) ?? [];
  return words.some((word) => !verdictWords.has(word.replace("’", "'")));
}

/** A sentence as it is compared with others. */
function keyOf(sentence: string): string {
  return reasonOf(sentence).toLowerCase();
}
