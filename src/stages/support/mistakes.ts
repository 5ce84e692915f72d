/** Ways to put one mistake into a right answer; each gives null where it does not fit. */
const ways: readonly ((text: string, random: () => number) => string | null)[] = [
  anotherNumber,
  swappedParts,
  withoutLastWord,
];

/** How often a mistake is looked for that the answer does not have already. */
const tries = 8;

/**
 * A right answer with one mistake put in: a number that is another one, two parts of a line exchanged, or its last word
 * left out. Null where none of these fits.
 */
export function withMistake(answer: string, random: () => number): string | null {
  for (let attempt = 0; attempt < tries; attempt++) {
    const way = ways[Math.floor(random() * ways.length)]!;
    const changed = way(answer, random);
    if (changed !== null && changed !== answer) return changed;
  }
  return anotherNumber(answer, random);
}

function anotherNumber(text: string, random: () => number): string | null {
  const numbers = [...text.matchAll(/\d+/g)].filter(([digits]) => digits.length <= 9);
  const chosen = numbers[Math.floor(random() * numbers.length)];
  if (chosen === undefined) return null;
  const value = Number(chosen[0]);
  const step = 1 + Math.floor(random() * 9);
  const changed = value > step && random() < 0.5 ? value - step : value + step;
  return text.slice(0, chosen.index) + changed + text.slice(chosen.index + chosen[0].length);
}

function swappedParts(text: string, random: () => number): string | null {
  const parts = text.split(" | ");
  if (parts.length < 2) return null;
  const at = Math.floor(random() * (parts.length - 1));
  return parts
    .with(at, parts[at + 1]!)
    .with(at + 1, parts[at]!)
    .join(" | ");
}

function withoutLastWord(text: string): string | null {
  const words = text.trim().split(/\s+/);
  return words.length < 3 ? null : words.slice(0, -1).join(" ");
}
