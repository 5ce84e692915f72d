/** A number as it stands in a text. */
export interface NumberToken {
  readonly value: number;
  /** Comparable text: exact for integers of any length, 12 significant digits otherwise. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const vulgar: Readonly<Record<string, string>> = { "½": "1/2", "¼": "1/4", "¾": "3/4" };

/**
 * One spelling for what people and models write in many ways: minus signs, full-width digits,
 * vulgar and LaTeX fractions, powers of ten, grouping by thin or no-break spaces, emphasis.
 */
export function plainNumbers(text: string): string {
  return text
    .normalize("NFC")
    .replace(/[\u2212\uFE63\uFF0D]/gu, "-")
    .replace(/[\uFF10-\uFF19]/gu, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
    .replace(/\u2044/gu, "/")
    .replace(/(?<=\d)[\u00A0\u2009\u202F](?=\d{3}(?!\d))/gu, "")
    .replace(/\\[dt]?frac\{(-?\d{1,40})\}\{(\d{1,40})\}/gu, "$1/$2")
    .replace(/(\d?)([½¼¾])/gu, (_all, whole: string, part: string) =>
      whole === "" ? vulgar[part]! : `${whole} ${vulgar[part]}`,
    )
    .replace(/\{,\}/gu, ",")
    .replace(/\\[,!;]/gu, "")
    .replace(/(?<=\d) ?(?:×|\\times|\*|x) ?10\^\{?(-?\d{1,3})\}?/gu, "e$1")
    .replace(/\*\*|__|`|\\(?=[$%()[\]])/gu, "");
}

const digits = String.raw`(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:e[+-]?\d{1,3}(?![\p{L}\d]))?|(?<!\p{L})\.\d+`;
/**
 * A number does not start inside a word ("H2O"), another number, a time ("3:45") an exponent
 * ("m^2") or an index ("x_1"); a minus sign counts only where it is not a subtraction or a dash between numbers
 * ("10 -3", "x -3", "x-3"); after a word and a space it does ("it is -3").
 */
const token = new RegExp(
  String.raw`(?<![\p{L}\d^_]|\d[.,:]|[\^_]\{)(?<minus>(?<![\d)\]] ?|\p{L}|(?<!\p{L})\p{L} )-(?:\$|€|£)?)?` +
    String.raw`(?:(?<whole>\d{1,9}) (?=\d{1,9}/\d))?(?<top>${digits})(?:/(?<bottom>\d+(?:\.\d+)?)(?![/\d]))?`,
  "gu",
);

/** Every number of a text, in order; signs, thousands, decimals, fractions and mixed numbers. */
export function numbersIn(plain: string): NumberToken[] {
  const found: NumberToken[] = [];
  for (const match of plain.matchAll(token)) {
    const end = match.index + match[0].length;
    if (/^(?:\^|:\d|(?:st|nd|rd|th)\b|\/\d)/u.test(plain.slice(end, end + 4))) continue;
    const { minus, whole, top, bottom } = match.groups!;
    const upper = top!.replaceAll(",", "");
    const share = bottom === undefined ? Number(upper) : Number(upper) / Number(bottom);
    const size = Number(whole ?? 0) + share;
    if (!Number.isFinite(size)) continue;
    const value = minus === undefined || size === 0 ? size : -size;
    const integral = bottom === undefined && /^\d+$/u.test(upper);
    const key = integral ? signed(BigInt(upper), value < 0) : String(Number(value.toPrecision(12)));
    found.push({ value, key, start: match.index, end });
  }
  return found;
}

function signed(size: bigint, negative: boolean): string {
  return negative ? `-${size}` : String(size);
}
