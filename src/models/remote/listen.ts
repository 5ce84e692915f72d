import { Silence } from "../embedded/silence.js";
import { EndpointFault } from "./endpoint.js";
import type { Patience } from "./patience.js";

/** The clock is looked at so many times in the shorter of the two bounds, at least once in 5 seconds. */
const looks = 4;
const longestTickMs = 5_000;

/**
 * Awaits an answer while it is heard of. Two bounds hold: one up to the first token, one between two
 * tokens; both are counted in ticks, so that a machine that was suspended is no silent server.
 *
 * @param answer Gets a signal to stop at, and what to call with each sign of life.
 * @throws EndpointFault `silent`; the signal's reason when it is aborted.
 */
export async function listen<T>(
  { firstTokenMs, nextTokenMs }: Pick<Patience, "firstTokenMs" | "nextTokenMs">,
  stop: AbortSignal,
  answer: (signal: AbortSignal, heard: () => void) => Promise<T>,
): Promise<T> {
  stop.throwIfAborted();
  const tickMs = Math.min(longestTickMs, firstTokenMs / looks, nextTokenMs / looks);
  const bounds = { firstMs: firstTokenMs, stepMs: nextTokenMs, factor: 0, stopMs: 0 };
  const silence = new Silence({ tickMs, ...bounds });
  const own = new AbortController();
  let begun = false;
  silence.begin();
  const timer = setInterval(() => {
    if (silence.tick()) own.abort(silent(begun, begun ? nextTokenMs : firstTokenMs));
  }, tickMs);
  const signal = AbortSignal.any([stop, own.signal]);
  const heard = () => {
    begun = true;
    silence.stepped();
  };
  let leave = () => {};
  const ended = new Promise<never>((_resolve, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    // An endpoint that does not heed its signal is left behind.
    return await Promise.race([answer(signal, heard), ended]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", leave);
  }
}

function silent(begun: boolean, boundMs: number): EndpointFault {
  const seconds = boundMs / 1000;
  const text = begun
    ? `no further token came for ${seconds} s (nextTokenSeconds)`
    : `no token came for ${seconds} s (firstTokenSeconds)`;
  return new EndpointFault("silent", text);
}
