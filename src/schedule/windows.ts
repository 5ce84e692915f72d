import { parseWindow, type Schedule, type Window, weekdays } from "../core/schedule.js";
import { day, minute, nextReading, wallClock } from "./wall-clock.js";

/** A schedule repeats after a week; a changed clock may take one occurrence away. */
const horizon = 15 * day;

function windowsOf({ windows }: Schedule): Window[] {
  return windows.flatMap((text) => parseWindow(text) ?? []);
}

/**
 * Whether the wall clock of the schedule's place is in one of its windows: what the clock shows
 * twice, when it is put back, counts twice, and what it skips is not there.
 */
export function isOpen(schedule: Schedule, at: Date): boolean {
  const reading = wallClock(at.getTime(), schedule.timeZone);
  const date = Math.floor(reading / day);
  const time = (reading - date * day) / minute;
  // 1970 began on a Thursday.
  const named = (on: number) => schedule.days.includes(weekdays[(((on + 4) % 7) + 7) % 7]!);
  return windowsOf(schedule).some(({ start, end }) =>
    start < end
      ? named(date) && time >= start && time < end
      : (named(date) && time >= start) || (named(date - 1) && time < end),
  );
}

/** When an open schedule closes next; null if it does not. */
export function closesAt(schedule: Schedule, after: Date): Date | null {
  return turns(schedule, after, false);
}

/** When a schedule opens next, if it is closed now; null if it does not. */
export function opensAt(schedule: Schedule, after: Date): Date | null {
  return turns(schedule, after, true);
}

function turns(schedule: Schedule, after: Date, open: boolean): Date | null {
  const edges = windowsOf(schedule).flatMap(({ start, end }) => [start * minute, end * minute]);
  const end = after.getTime() + horizon;
  for (let at = after.getTime(); at < end; ) {
    at = nextReading(at, schedule.timeZone, edges);
    if (isOpen(schedule, new Date(at)) === open) return new Date(at);
  }
  return null;
}

/** The next instant after which the wall clock shows a time of day, or has skipped it. */
export function nextTimeOfDay(minutes: number, timeZone: string | null, after: Date): Date {
  const time = (minutes * minute) % day;
  const passed = (at: number) => Math.floor((wallClock(at, timeZone) - time) / day);
  let at = after.getTime();
  for (;;) {
    const before = passed(at);
    at = nextReading(at, timeZone, [time]);
    if (passed(at) > before) return new Date(at);
  }
}
