import { type Check, NO_REFERENCE, NOT_EXPECTED, ok, ungradable, wrong } from "./verdict.js";

/** Stands for an accepted variant while the text around it is looked at. */
const HIT = "\u0001";
/** Scripts that do not separate words by spaces: there a variant may stand inside a run of letters. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Other names in a list before it counts as guessing. */
const MAX_OTHERS = 2;

/**
 * Ok when one of the reference's variants ("Paris | City of Light") stands in the answer as a whole
 * word, whatever the case. An answer that guesses is ungradable: a variant joined to something else
 * by "or" or "/", or standing in a comma list with three or more other short names. One mention
 * outside such a list is enough to be ok. Negation ("not Paris") is not understood.
 */
export function checkContains(answer: string, reference: string | null): Check {
  const variants = (reference ?? "").split(" | ").map(fold).filter(Boolean);
  if (variants.length === 0) return ungradable(NO_REFERENCE);
  const longestFirst = variants.sort((a, b) => b.length - a.length).map(pattern);
  const marked = fold(answer).replace(new RegExp(longestFirst.join("|"), "gu"), HIT);
  if (!marked.includes(HIT)) return wrong(NOT_EXPECTED);
  const definite = sentences(marked).some(
    (sentence) => sentence.includes(HIT) && !guesses(sentence),
  );
  if (!definite) {
    return ungradable("The answer names several candidates without settling on one.");
  }
  return ok("The answer holds what was expected.");
}

function fold(text: string): string {
  return text
    .normalize("NFC")
    .replaceAll(HIT, " ")
    .replace(/[\u2018\u2019]/gu, "'")
    .toLowerCase()
    .replace(/[^\S\n]+/gu, " ")
    .trim();
}

/** A variant as a whole word; a number is not found inside a longer one ("5" in "2.5"). */
function pattern(variant: string): string {
  const letters = [...variant];
  const source = variant.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&").replaceAll(" ", "\\s+");
  const before = /\d/u.test(letters[0]!) ? "(?<!\\d[.,]|-)" : "";
  const after = /\d/u.test(letters.at(-1)!) ? "(?![.,]\\d)" : "";
  const edge = (letter: string, look: string) =>
    unspaced.test(letter) ? "" : `(?${look}[\\p{L}\\p{N}\\p{M}])`;
  return `${before}${edge(letters[0]!, "<!")}${source}${edge(letters.at(-1)!, "!")}${after}`;
}

/** Bulleted lines are read as one comma list. */
function sentences(text: string): string[] {
  return text
    .replace(/\n+ ?(?:[-*•]|\d{1,3}[.)]) /gu, ", ")
    .split(/\n|[.!?](?= |$)/u)
    .filter((sentence) => sentence.length > 0);
}

function guesses(sentence: string): boolean {
  const items = sentence.split(/ ?[,;] ?(?:(or|and) )?|( or | ?\/ ?| and )/u);
  // split keeps the two captures: [text, afterComma, bare, text, …]
  const texts = items.filter((_, i) => i % 3 === 0).map((text) => bare(text ?? ""));
  const joins = texts.slice(1).map((_, i) => (items[3 * i + 1] ?? items[3 * i + 2] ?? ",").trim());
  let others = 0;
  let listed = false;
  for (const [i, text] of texts.entries()) {
    const short = text.split(" ").length <= 3;
    const right = texts[i + 1];
    if (joins[i] === "or" || joins[i] === "/") {
      const leftHit = text.endsWith(HIT);
      const rightHit = right?.startsWith(HIT) ?? false;
      if (leftHit !== rightHit) return true;
    }
    if (text === HIT || (i === 0 && text.endsWith(HIT))) listed = true;
    else if (text !== "" && !text.includes(HIT) && (short || i === 0)) others++;
  }
  return listed && others > MAX_OTHERS;
}

function bare(item: string): string {
  return item.trim().replace(/^(?:a|an|the|either) /u, "");
}
