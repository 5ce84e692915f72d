/** Size of the longest shingle, in tokens. */
const LONGEST = 3;

const token =
  /\d+(?:\.\d+)*|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}]+(?:'\p{L}+)*|[+\-*/=<>^%]/gu;

const numerals = new Map(
  "zero one two three four five six seven eight nine ten eleven twelve"
    .split(" ")
    .map((word, value) => [word, String(value)]),
);

/**
 * Words, numbers and operators, each written one way; case, whitespace and punctuation are gone.
 * A hyphen, slash or star between two words is punctuation, beside a digit or a variable an operator.
 */
export function tokensOf(text: string): string[] {
  const plain = text
    .replace(/[⁰¹²³⁴-⁹]/gu, "^$&")
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u2018\u2019]/gu, "'")
    .replace(/\s+(?='\p{L})/gu, "")
    .replace(/[\u2212\u2010-\u2015]/gu, "-")
    .replace(/÷/gu, "/")
    .replace(/[×·]|(?<=\d\s?)x(?=\s?\d)/gu, "*")
    .replace(/(?<=\d),(?=\d{3}(?!\d))/gu, "")
    .replace(/^\s*[-*]\s/gmu, " ")
    .replace(/(?<=\p{L}{2}\s*)[-/*]+(?=\s*\p{L}{2})/gu, " ")
    .replace(/[=?\s]+$/u, "");
  return (plain.match(token) ?? []).map((word) => numerals.get(word) ?? word);
}

/** Every run of 1 to 3 tokens. */
export function shinglesOf(tokens: readonly string[]): string[] {
  const shingles: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    let shingle = "";
    for (let j = i; j < Math.min(tokens.length, i + LONGEST); j++) {
      shingle += ` ${tokens[j]}`;
      shingles.push(shingle);
    }
  }
  return shingles;
}

/** Numbers and operators in order; empty with fewer than two numbers. */
export function numbersOf(tokens: readonly string[]): string {
  const kept = tokens.filter((token) => /^[\d+\-*/=<>^%]/u.test(token));
  return kept.filter((token) => /\d/u.test(token)).length < 2 ? "" : kept.join(" ");
}
