/** Words that turn a sentence around. */
const negations = new Set(
  (
    "not no never none nor neither without avoid cannot can't cant don't dont doesn't doesnt isn't isnt " +
    "aren't mustn't shouldn't won't stop skip ignore"
  ).split(" "),
);

/** Words of which one says the contrary of the other. */
const antonyms: readonly (readonly [string, string])[] = (
  "before/after first/last include/exclude add/remove add/subtract keep/drop keep/remove increase/decrease more/less more/fewer " +
  "larger/smaller left/right upper/lower uppercase/lowercase start/end begin/end singular/plural ascending/descending up/down " +
  "long/short multiply/divide same/different"
)
  .split(" ")
  .map((pair) => pair.split("/") as [string, string]);

/** Words that add nothing to what is told to do. */
const emphasis = new Set(["always", "must", "should", "do", "only", "please"]);

const wordsIn = (text: string) =>
  text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)?/gu) ?? [];

/** A text without the words that say which way it points, to be compared with its contrary. */
export function withoutPolarity(text: string): string {
  const pointing = new Set([...negations, ...emphasis, ...antonyms.flat()]);
  return wordsIn(text)
    .map((word) => word.replace("’", "'"))
    .filter((word) => !pointing.has(word))
    .join(" ");
}

/**
 * Whether two texts of the same content point in opposite directions: one is negated and the other is not, or one has
 * the antonym of a word of the other; both together cancel out. English words only; other orders of the same words
 * ("the name before the city", "the city before the name") are not seen.
 */
export function areOpposed(first: string, second: string): boolean {
  const [a, b] = [first, second].map((text) => wordsIn(text).map((word) => word.replace("’", "'")));
  const negative = (words: readonly string[]) =>
    words.filter((word) => negations.has(word)).length % 2 === 1;
  const swapped = antonyms.filter(
    ([one, other]) => side(a!, one, other) * side(b!, one, other) === -1,
  ).length;
  return (negative(a!) !== negative(b!)) !== swapped > 0;
}

/** Which of two antonyms a text has: 1 the first, -1 the second, 0 neither or both. */
function side(words: readonly string[], one: string, other: string): number {
  return Number(words.includes(one)) - Number(words.includes(other));
}
