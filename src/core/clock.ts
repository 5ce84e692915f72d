/** Time as the loop sees it; tests put their own in its place. */
export interface Clock {
  /** Wall-clock time, which people and daylight saving may change. */
  now(): Date;
  /** Milliseconds that only grow, for durations and budgets. */
  monotonic(): number;
  /** Resolves after so many milliseconds, or rejects when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Longer waits overflow a timer and end at once. */
const longestTimer = 2 ** 31 - 1;

/** This machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    for (let left = milliseconds; left > 0; left -= longestTimer) {
      await wait(Math.min(left, longestTimer), signal);
    }
  },
};

function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
