import { type NumberToken, numbersIn, plainNumbers } from "./numbers.js";

/** What a text gives as its final number, or why it gives none. */
export type FinalNumber =
  | { readonly kind: "found"; readonly number: NumberToken; readonly written: string }
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous" };

const marker =
  /####|\b(?:final |correct |right )?(?:answer|result)(?:\s+(?:is|was|would be|should be|=)(?![\p{L}])|\s*[:=])/giu;
/** What may stand between a marker and its number: currency, brackets, and a few empty words. */
const filler =
  /^(?:[\s$€£¥₹≈~:=("'[]|\\[([]|(?:also|just|simply|then|now|still|therefore|thus|indeed|exactly|about|approximately|around|equal to|equals|the number|either|rs\.?|usd)(?![\p{L}]))*/iu;

/**
 * The final number of a free-text answer.
 *
 * 1. Claims: `\boxed{…}`, `#### X`, `answer is X`, `answer: X`. All claims must agree. Two
 *    different claims are ambiguous, even where the later one corrects the earlier: taking the last
 *    would pay for a change of mind as much as for knowing.
 * 2. Without a claim: the last `= X` of the last sentence that holds a number, else the last number.
 * 3. "12 or 14" as the final number is ambiguous.
 */
export function finalNumber(text: string): FinalNumber {
  const plain = plainNumbers(text);
  const claims = [...boxed(plain), ...marked(plain)];
  const candidates = claims.length > 0 ? claims : unmarked(plain);
  const chosen = candidates[0];
  if (chosen === undefined) return { kind: "none" };
  if (candidates.some((other) => other.key !== chosen.key)) return { kind: "ambiguous" };
  return { kind: "found", number: chosen, written: plain.slice(chosen.start, chosen.end) };
}

/** The content of every `\boxed{…}`: one number, or the value after its last "=". */
function boxed(plain: string): NumberToken[] {
  const claims: NumberToken[] = [];
  for (const match of plain.matchAll(/\\boxed\s*\{/gu)) {
    const from = match.index + match[0].length;
    let depth = 1;
    let to = from;
    for (; to < plain.length && depth > 0; to++) {
      if (plain[to] === "{") depth++;
      else if (plain[to] === "}") depth--;
    }
    const start = Math.max(from, plain.lastIndexOf("=", to - 1) + 1);
    claims.push(...within(plain, start, depth === 0 ? to - 1 : to));
  }
  return claims;
}

/** The number that follows each marker closely, with its alternatives ("12 or 14"). */
function marked(plain: string): NumberToken[] {
  const claims: NumberToken[] = [];
  for (const match of plain.matchAll(marker)) {
    let from = match.index + match[0].length;
    const to = from + sentenceEnd(plain.slice(from));
    const equals = plain.lastIndexOf("=", to - 1);
    if (equals >= from && /^[^\p{L}]*$/u.test(plain.slice(from, equals))) from = equals + 1;
    const start = from + filler.exec(plain.slice(from, to))![0].length;
    const numbers = within(plain, start, to);
    const first = numbers[0];
    if (first === undefined || first.start !== start) continue;
    if (/^ ?[+*×÷/^-] ?[\d(]/u.test(plain.slice(first.end, to))) continue; // a calculation, not its value
    claims.push(...withAlternatives(plain, numbers, 0));
  }
  return claims;
}

function unmarked(plain: string): NumberToken[] {
  const all = numbersIn(plain);
  // "1. First …" and "2) Then …" count the lines; they are read only if there is nothing else.
  const unlisted = all.filter(
    (number) =>
      !(
        /(?:^|\n)[ \t]*$/u.test(plain.slice(Math.max(0, number.start - 8), number.start)) &&
        /^[.)][ \t]+\S/u.test(plain.slice(number.end, number.end + 8))
      ),
  );
  const numbers = unlisted.length > 0 ? unlisted : all;
  const last = numbers.at(-1);
  if (last === undefined) return [];
  const sentence = sentenceStart(plain, last.start);
  for (let i = numbers.length - 1; i >= 0 && numbers[i]!.start >= sentence; i--) {
    const { start, end } = numbers[i]!;
    const before = plain.slice(Math.max(sentence, start - 6), start);
    const calculates = /^ ?[+*×÷/=-] ?[\d(]/u.test(plain.slice(end, end + 4));
    if (/=\s*[$€£(]?\s*$/u.test(before) && !calculates) return withAlternatives(plain, numbers, i);
  }
  return withAlternatives(plain, numbers, numbers.length - 1);
}

/** The number at `index` and those that "or" joins to it. */
function withAlternatives(
  plain: string,
  numbers: readonly NumberToken[],
  index: number,
): NumberToken[] {
  const joined = (a: NumberToken | undefined, b: NumberToken | undefined) =>
    a !== undefined &&
    b !== undefined &&
    /^(?:,?[^\S\n]+[\p{L}$€£%]+){0,2},?[^\S\n]+or[^\S\n]+[$€£]?$/iu.test(
      plain.slice(a.end, b.start).slice(0, 60),
    );
  const chosen = [numbers[index]!];
  for (let i = index; joined(numbers[i - 1], numbers[i]); i--) chosen.push(numbers[i - 1]!);
  for (let i = index; joined(numbers[i], numbers[i + 1]); i++) chosen.push(numbers[i + 1]!);
  return chosen;
}

/** Numbers of a stretch of the text, read with what stands before it in view. */
function within(plain: string, from: number, to: number): NumberToken[] {
  return numbersIn(plain.slice(from, to)).map((number) => ({
    ...number,
    start: number.start + from,
    end: number.end + from,
  }));
}

const boundary = /\n|[.!?](?=\s|$)/u;

function sentenceEnd(rest: string): number {
  const skipped = /^\s*/u.exec(rest)![0].length;
  const found = rest.slice(skipped).search(boundary);
  return found === -1 ? rest.length : skipped + found;
}

function sentenceStart(plain: string, before: number): number {
  let start = 0;
  for (const match of plain.slice(0, before).matchAll(new RegExp(boundary, "gu"))) {
    start = match.index + 1;
  }
  return start;
}
