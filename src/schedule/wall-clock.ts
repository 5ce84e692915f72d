const formats = new Map<string | null, Intl.DateTimeFormat>();

/** Null is this machine's zone. A formatter takes long to make, so that each is made once. */
function formatOf(timeZone: string | null): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    ...(timeZone === null ? {} : { timeZone: timeZone }),
    ...{ calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  formats.set(timeZone, made);
  return made;
}

export const minute = 60_000;
export const day = 24 * 60 * minute;

/**
 * What the clock on the wall shows at an instant, as the milliseconds since 1970 of a clock in UTC
 * that shows the same. Readings compare and subtract like instants, without regard to time zones.
 */
export function wallClock(instant: number, timeZone: string | null): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(instant)) {
    part[type] = Number(value);
  }
  const { year = 0, month = 1, day: date = 1, hour = 0, minute: minutes = 0, second = 0 } = part;
  const whole = Date.UTC(year, month - 1, date, hour, minutes, second);
  return whole + (((instant % 1000) + 1000) % 1000);
}

/**
 * The next instant at which the wall clock reaches one of some times of day (milliseconds after
 * midnight), or at which it is put forward or back, whichever is first.
 */
export function nextReading(
  instant: number,
  timeZone: string | null,
  times: readonly number[],
): number {
  const reading = wallClock(instant, timeZone);
  const midnight = Math.floor(reading / day) * day;
  const ahead = times.flatMap((time) => [midnight + time, midnight + day + time]);
  const next = instant + Math.min(...ahead.filter((time) => time > reading)) - reading;
  const shown = (at: number) => wallClock(at, timeZone) - at;
  if (shown(next) === shown(instant)) return next;
  // The clock is changed on the way: halving finds when. No place changes it twice within a day.
  let [before, after] = [instant, next];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shown(middle) === shown(instant)) before = middle;
    else after = middle;
  }
  return after;
}

/** "Tue 24 Nov, 22:00 (Europe/Berlin)". */
export function sayWhen(instant: Date, timeZone: string | null): string {
  const zone = timeZone === null ? {} : { timeZone: timeZone };
  const format = new Intl.DateTimeFormat("en-GB", {
    ...zone,
    ...{ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  });
  return `${format.format(instant)} (${format.resolvedOptions().timeZone})`;
}
