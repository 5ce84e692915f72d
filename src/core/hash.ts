import { createHash } from "node:crypto";

/**
 * JSON with object keys in sorted order, so that equal values give equal text.
 * `undefined` members are left out, as in JSON.stringify. Written out, since JSON.stringify takes
 * several times as long where it has to call back for each value.
 */
export function canonicalJson(value: unknown): string {
  return textOf(value) as string;
}

function textOf(value: unknown): string | undefined {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if ("toJSON" in value && typeof value.toJSON === "function") return textOf(value.toJSON());
  if (Array.isArray(value)) return `[${value.map((each) => textOf(each) ?? "null").join(",")}]`;
  const members: string[] = [];
  for (const key of sortedKeys(value)) {
    const text = textOf((value as Record<string, unknown>)[key]);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(",")}}`;
}

/** Whole numbers first, by size, as the keys of every object in JavaScript are; then the others. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  const numbers = keys.filter(isIndex);
  if (numbers.length === 0) return keys.sort();
  return [...numbers, ...keys.filter((key) => !isIndex(key)).sort()];
}

/** Whether JavaScript takes a key for an array's index: Object.keys gives those first, in order. */
function isIndex(key: string): boolean {
  const number = Number(key);
  return number >>> 0 === number && number < 2 ** 32 - 1 && String(number) === key;
}

/** Lower-case hexadecimal sha256 of a text or of a value's canonical JSON. */
export function sha256(value: unknown): string {
  const text = typeof value === "string" ? value : canonicalJson(value);
  return createHash("sha256").update(text).digest("hex");
}

/** A short, stable row id: the kind and 20 hexadecimal digits of what determines the row. */
export function stableId(kind: string, ...parts: (string | number | null)[]): string {
  return `${kind}_${sha256(parts).slice(0, 20)}`;
}

/** A seed in [0, 2^31) that depends on nothing but its parts: an item's randomness survives any restart. */
export function seedFor(...parts: (string | number)[]): number {
  return Number.parseInt(sha256(parts).slice(0, 8), 16) >>> 1;
}
