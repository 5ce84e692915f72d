import { expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.js";

it("waits longer than a timer can, and is woken by a signal", async () => {
  const stop = new AbortController();
  // A timer of 40 days would end at once.
  const asleep = systemClock.sleep(40 * 86_400_000, stop.signal).then(() => "woke by itself");
  const first = await Promise.race([asleep, systemClock.sleep(20).then(() => "still asleep")]);
  expect(first).toBe("still asleep");
  stop.abort(new Error("stopped"));
  await expect(asleep).rejects.toThrow("stopped");
  await expect(systemClock.sleep(5, stop.signal)).rejects.toThrow("stopped");
});
