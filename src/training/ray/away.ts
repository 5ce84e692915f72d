import { setTimeout as sleep } from "node:timers/promises";
import { PausedError } from "../../core/errors.js";

/** The cluster's head did not answer, or answered that it cannot now. It may come back. */
export class RayAway extends Error {
  override readonly name = "RayAway";
}

export interface Patience {
  /** The most that is waited for an answer, all attempts together, in milliseconds. */
  readonly patienceMs: number;
  /** The wait before the second attempt; it doubles up to 30 s. */
  readonly firstDelayMs: number;
  readonly signal: AbortSignal;
  onNote(text: string): void;
}

const longestDelayMs = 30_000;

/**
 * Asks until there is an answer.
 *
 * @throws PausedError `server` when the head has been away for longer than the patience lasts.
 */
export async function patiently<T>(ask: () => Promise<T>, patience: Patience): Promise<T> {
  const { patienceMs, firstDelayMs, signal, onNote } = patience;
  let waited = 0;
  for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, longestDelayMs)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RayAway)) throw error;
      if (waited >= patienceMs) {
        throw new PausedError(
          "server",
          `The Ray head has been away for ${Math.round(waited / 1000)} s: ${error.message}.`,
          "Start it again, then go on with `redistill resume`: the training continues from its checkpoint.",
          { cause: error },
        );
      }
      if (waited === 0)
        onNote(`The Ray head does not answer (${error.message}); it is asked again.`);
      await sleep(delay, undefined, { signal });
      waited += delay;
    }
  }
}
