import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.js";
import { scheduleSchema } from "../../src/core/schedule.js";
import { Hours, OutsideHours } from "../../src/schedule/index.js";
import { FakeClock } from "../support/fake-clock.js";

const day = 24 * 60 * 60_000;
const nights = scheduleSchema.parse({ windows: ["22:00-07:00"], timeZone: "Europe/Berlin" });
const clockAt = (text: string) => new FakeClock(new Date(text));

describe("the hours of a run", () => {
  it("without schedule and --until are always", () => {
    const hours = new Hours(null, null, clockAt("2026-11-24T12:00:00Z"));
    expect(hours.look()).toEqual({ open: true, closes: null });
  });

  it("are the windows, but not past --until", () => {
    const clock = clockAt("2026-11-24T21:30:00Z");
    const hours = new Hours(nights, "06:00", clock);
    expect(hours.look()).toEqual({ open: true, closes: new Date("2026-11-25T05:00:00Z") });
    clock.advance(day / 2);
    expect(hours.look()).toEqual({ open: false, opens: null });
    // It stays past, also when another night begins.
    clock.advance(day / 2);
    expect(hours.look()).toEqual({ open: false, opens: null });
  });

  it("wait for a window only if it opens before --until", () => {
    const clock = clockAt("2026-11-24T12:00:00Z");
    expect(new Hours(nights, "23:00", clock).look()).toEqual({
      open: false,
      opens: new Date("2026-11-24T21:00:00Z"),
    });
    expect(new Hours(nights, "20:00", clock).look()).toEqual({ open: false, opens: null });
  });

  it.each([30 * day, -30 * day])("go by the wall clock after it jumps by %d ms", (jump) => {
    const clock = clockAt("2026-11-24T23:00:00Z");
    const hours = new Hours(nights, null, clock);
    expect(hours.look()).toMatchObject({ open: true });
    clock.jump(jump);
    expect(hours.look()).toEqual({
      open: true,
      closes: new Date(new Date("2026-11-25T06:00:00Z").getTime() + jump),
    });
    clock.jump(day / 2);
    expect(hours.look().open).toBe(false);
  });

  it("end at --until, also if the clock is put back by a month meanwhile", () => {
    const clock = clockAt("2026-11-24T23:00:00Z");
    const hours = new Hours(null, "07:00", clock);
    expect(hours.timeZone).toBeNull();
    clock.jump(-30 * day);
    const opening = hours.look();
    if (!opening.open || opening.closes === null) throw new Error("not open until a time");
    expect(opening.closes.getTime() - clock.now().getTime()).toBeLessThanOrEqual(day + 3_600_000);
  });

  it("are over for a machine that slept past --until", () => {
    const clock = clockAt("2026-11-24T23:00:00Z");
    const hours = new Hours(nights, "07:00", clock);
    clock.jump(day);
    expect(hours.look()).toEqual({ open: false, opens: null });
  });

  it("are looked up at most once a second while a stage works", () => {
    const clock = clockAt("2026-11-25T05:59:59.500Z");
    const hours = new Hours(nights, null, clock);
    expect(hours.haveClosed()).toBe(false);
    clock.advance(900);
    expect(hours.haveClosed()).toBe(false);
    clock.advance(100);
    expect(hours.haveClosed()).toBe(true);
  });

  it("give an error that says when they begin and what to do", () => {
    const hours = new Hours(nights, null, clockAt("2026-11-24T12:00:00Z"));
    const error = hours.outside("sums-1", new Date("2026-11-24T21:00:00Z"));
    expect(error).toBeInstanceOf(OutsideHours);
    expect(error).toMatchObject({ kind: "paused", reason: "window", exitCode: 75 });
    expect(error.message).toMatch(/opens Tue,? 24 Nov,? 22:00 \(Europe\/Berlin\)/);
    expect(error.hint).toContain("redistill resume sums-1");
    expect(hours.outside("sums-1", null).opens).toBeNull();
  });
});

describe("the machine's clock", () => {
  it("tells the time, sleeps, and wakes when it is told to", async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(5);
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(4);
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1_000);
    await expect(systemClock.sleep(60_000, AbortSignal.abort())).rejects.toThrow();
  });
});
