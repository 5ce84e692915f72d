/** Longest wait that a server is believed, in milliseconds: a day. */
const longest = 86_400_000;

/**
 * How long a server wants to be left alone, in milliseconds: by Retry-After (RFC 9110, 10.2.3: seconds
 * or a date), else by the limit of OpenAI's `x-ratelimit-*` headers that is used up. Null where it
 * does not say.
 */
export function retryAfterMs(headers: Headers | null, now = Date.now()): number | null {
  if (headers === null) return null;
  const milliseconds = Number(headers.get("retry-after-ms") || Number.NaN);
  if (Number.isFinite(milliseconds)) return bounded(milliseconds);
  const after = headers.get("retry-after")?.trim();
  if (after) {
    const seconds = Number(after);
    const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - now;
    if (Number.isFinite(wait)) return bounded(wait);
  }
  const resets = ["requests", "tokens"]
    .filter((what) => headers.get(`x-ratelimit-remaining-${what}`)?.trim() === "0")
    .map((what) => durationMs(headers.get(`x-ratelimit-reset-${what}`) ?? ""))
    .filter((wait) => wait !== null);
  return resets.length > 0 ? bounded(Math.max(...resets)) : null;
}

function bounded(wait: number): number {
  return Math.min(longest, Math.max(0, wait));
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "6m0s", "1.5s", "20ms", or a plain number of seconds. */
function durationMs(text: string): number | null {
  const seconds = Number(text || Number.NaN);
  if (Number.isFinite(seconds)) return seconds * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit as string] ?? 0);
  }
  return total;
}
