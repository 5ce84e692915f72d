import { createHash } from "node:crypto";

/**
 * JSON with object keys in sorted order, so that equal values give equal text.
 * `undefined` members are left out, as in JSON.stringify.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner as Record<string, unknown>);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
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
