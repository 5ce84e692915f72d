import { seedFor } from "../../core/hash.js";
import { randomFrom } from "../../core/random.js";

/** How long a server is waited for, and how often it is asked again; all times in milliseconds. */
export interface Patience {
  /** Longest silence before the first token of an answer, and between two. */
  readonly firstTokenMs: number;
  readonly nextTokenMs: number;
  /** Wait before the second try; it doubles with each further one, up to the longest. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
  /** More than this is not waited for, whatever a Retry-After says. */
  readonly longestRetryAfterMs: number;
  /** Failures in a row after which nothing is sent but a question now and then whether it is there. */
  readonly failuresToOpen: number;
  /** Tries at which a server that is there broke; then the request is to blame. */
  readonly triesOfOne: number;
  /** Without a sign of life for so long the run is paused. */
  readonly awayMs: number;
}

export const usualPatience: Omit<Patience, "firstTokenMs" | "nextTokenMs"> = {
  retryMs: 500,
  longestRetryMs: 30_000,
  longestRetryAfterMs: 600_000,
  failuresToOpen: 4,
  triesOfOne: 6,
  awayMs: 3_600_000,
};

/**
 * Wait before another try: exponential with "equal jitter" (half of it fixed, half drawn, after
 * Brooker, "Exponential Backoff And Jitter", AWS 2015), so that requests that failed together do not
 * come back together. What is drawn depends on the request's seed and the try alone.
 *
 * @param failures How often it failed so far, from 1 on.
 * @param retryAfterMs What the server asked for; waited for in full, but for the cap.
 */
export function delayAfter(
  failures: number,
  seed: number,
  retryAfterMs: number | null,
  {
    retryMs,
    longestRetryMs,
    longestRetryAfterMs,
  }: Pick<Patience, "retryMs" | "longestRetryMs" | "longestRetryAfterMs">,
): number {
  const drawn = randomFrom(seedFor("retry", seed, failures))();
  const backoff = Math.min(longestRetryMs, retryMs * 2 ** Math.min(failures - 1, 30));
  const jittered = (backoff / 2) * (1 + drawn);
  if (retryAfterMs === null) return jittered;
  return Math.max(jittered, Math.min(retryAfterMs, longestRetryAfterMs) + retryMs * drawn);
}
