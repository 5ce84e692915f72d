import { describe, expect, it } from "vitest";
import { Silence } from "../../src/models/embedded/silence.js";

const minute = 60_000;
const patience = { tickMs: 5_000, stepMs: minute, firstMs: 10 * minute, factor: 20, stopMs: 0 };

/** A silence whose clock is moved by hand, past its first step. */
function watched({ first = false } = {}) {
  let now = 1_000;
  const silence = new Silence(patience, () => now);
  silence.started();
  silence.begin();
  /** Lets time pass with a tick every five seconds; whether one of them found it too long. */
  const pass = (milliseconds: number) => {
    let tooLong = false;
    for (const end = now + milliseconds; now < end; ) {
      now = Math.min(end, now + patience.tickMs);
      tooLong ||= silence.tick();
    }
    return tooLong;
  };
  if (!first) silence.stepped();
  return { silence, pass, jump: (milliseconds: number) => (now += milliseconds) };
}

describe("an engine's silence", () => {
  it("may last a minute between steps", () => {
    const { pass } = watched();
    expect(pass(minute)).toBe(false);
    expect(pass(5_000)).toBe(true);
  });

  it("begins anew with every step", () => {
    const { silence, pass } = watched();
    for (let step = 0; step < 10; step++) {
      expect(pass(50_000)).toBe(false);
      silence.stepped();
    }
  });

  it("may last twenty times the slowest step so far", () => {
    const { silence, pass } = watched();
    pass(30_000);
    silence.stepped();
    expect(silence.boundMs).toBe(10 * minute);
    expect(pass(10 * minute)).toBe(false);
    expect(pass(5_000)).toBe(true);
  });

  it("has a bound of its own until the first step after a start", () => {
    const { silence, pass } = watched({ first: true });
    expect(pass(9 * minute)).toBe(false);
    silence.stepped();
    // How long the first step took says nothing of the others.
    expect(silence.boundMs).toBe(minute);
    silence.started();
    expect(silence.boundMs).toBe(180 * minute);
  });

  it("is not learned from while weights are loaded", () => {
    const { silence, pass } = watched({ first: true });
    pass(9 * minute);
    silence.begin();
    pass(5_000);
    silence.stepped();
    silence.started();
    expect(silence.boundMs).toBe(10 * minute);
  });

  it("does not count the hours for which the machine was suspended", () => {
    const { silence, pass, jump } = watched();
    pass(50_000);
    jump(8 * 60 * minute);
    expect(silence.tick()).toBe(false);
    expect(pass(minute)).toBe(false);
    expect(pass(5_000)).toBe(true);
  });
});
