import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.js";

/** The machine's own clocks. On Linux the monotonic one stands still while the machine sleeps. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal ? { signal } : {}),
};
