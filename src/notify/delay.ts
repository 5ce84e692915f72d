import { seedFor } from "../core/hash.js";
import { randomFrom } from "../core/random.js";

/** Attempts for one message: with the delays below, about four hours. */
export const mostAttempts = 24;
/** No wait is longer, in milliseconds, whatever a server asks for. */
export const longestDelay = 15 * 60_000;
const firstDelay = 5_000;

/**
 * Milliseconds until the next attempt: doubling from 5 s to 15 min, the upper half of it by chance
 * from the seed, and no less than a server's Retry-After up to the same limit.
 */
export function retryDelay(
  seed: number,
  id: string,
  attempts: number,
  retryAfter: number | null,
): number {
  const full = Math.min(longestDelay, firstDelay * 2 ** (attempts - 1));
  const jittered = full * (0.5 + randomFrom(seedFor(seed, id, attempts))() / 2);
  return Math.min(longestDelay, Math.max(jittered, retryAfter ?? 0));
}
