/** Waits for something, but no longer than a signal lets it: rejects with the signal's reason. */
export async function untilAborted<T>(wait: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([wait, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
