import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { ThreadGovernor } from "../../src/models/embedded/threads.js";

/** Steps through a stage whose batches fill and drain; returns the share of steps on one thread. */
function shareOnOne(
  governor: ThreadGovernor,
  steps: number,
  milliseconds: (threads: number, tokens: number) => number,
): number {
  const random = randomFrom(4);
  let onOne = 0;
  for (let step = 0; step < steps; step++) {
    const place = step % 60;
    const tokens = place < 40 ? 32 : 60 - place;
    const threads = governor.wanted;
    if (threads === 1) onOne++;
    governor.observe(milliseconds(threads, tokens) * (0.95 + 0.1 * random()), tokens);
  }
  return onOne / steps;
}

const quiet = (threads: number, tokens: number) => (6 + tokens) * (threads === 1 ? 1.7 : 1);
/** A neighbour on one of two cores: threads wait for each other. */
const busy = (threads: number, tokens: number) => (6 + tokens) * (threads === 1 ? 1.8 : 12);

describe("the choice of threads", () => {
  it("keeps all threads on a quiet machine, whatever the batches' sizes", () => {
    expect(shareOnOne(new ThreadGovernor(2), 3_000, quiet)).toBeLessThan(0.05);
  });

  it("goes to one thread beside a busy neighbour, at once, and back when it is gone", () => {
    const governor = new ThreadGovernor(2);
    expect(shareOnOne(governor, 400, busy)).toBeGreaterThan(0.9);
    shareOnOne(governor, 600, quiet);
    expect(shareOnOne(governor, 1_000, quiet)).toBeLessThan(0.1);
    shareOnOne(governor, 120, busy);
    expect(shareOnOne(governor, 400, busy)).toBeGreaterThan(0.9);
  });

  it("has nothing to choose with one thread", () => {
    const governor = new ThreadGovernor(1);
    shareOnOne(governor, 100, busy);
    expect(governor.wanted).toBe(1);
  });
});
