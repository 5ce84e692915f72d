import { type Clock, systemClock } from "../../core/clock.js";
import { EndpointFault } from "./endpoint.js";
import { delayAfter, type Patience, usualPatience } from "./patience.js";

type Trying = Pick<Patience, "triesOfOne" | "retryMs" | "longestRetryMs" | "longestRetryAfterMs">;

/**
 * Asks a server one thing, and again after a while where it was busy or away.
 *
 * @throws EndpointFault that the last try ended with, or that no further one would mend.
 */
export async function insist<T>(
  ask: () => Promise<T>,
  signal: AbortSignal,
  { patience = usualPatience, clock = systemClock }: { patience?: Trying; clock?: Clock } = {},
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = error instanceof EndpointFault && error.trouble !== "refused";
      if (!mayPass || failures >= patience.triesOfOne) throw error;
      await clock.sleep(delayAfter(failures, 0, error.retryAfterMs, patience), signal);
    }
  }
}
