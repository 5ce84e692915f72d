/** The time from one noon to the next, local time; it has the date on which it began as its name. */
export interface Night {
  /** For example "2026-11-23". */
  readonly name: string;
  readonly start: Date;
  readonly end: Date;
}

/** Whether this machine knows an IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}

/** The night that a moment belongs to; `timeZone` null is the machine's. */
export function nightOf(moment: Date, timeZone: string | null): Night {
  const { year, month, day, hour } = localTime(moment, timeZone);
  const date = Date.UTC(year, month - 1, hour < 12 ? day - 1 : day);
  return nightNamed(new Date(date).toISOString().slice(0, 10), timeZone);
}

/** The night that began on a date; a change to or from summer time makes it an hour shorter or longer. */
export function nightNamed(name: string, timeZone: string | null): Night {
  const noon = Date.parse(`${name}T12:00:00Z`);
  const day = 86_400_000;
  return {
    name,
    start: atLocalClock(noon, timeZone),
    end: atLocalClock(noon + day, timeZone),
  };
}

/** The moment at which clocks in the zone show what a UTC clock shows at `wanted` (milliseconds). */
function atLocalClock(wanted: number, timeZone: string | null): Date {
  let moment = wanted;
  // The first step uses the offset of a moment hours away; the second one the right offset.
  for (let step = 0; step < 2; step++) {
    const { year, month, day, hour, minute, second } = localTime(new Date(moment), timeZone);
    moment += wanted - Date.UTC(year, month - 1, day, hour, minute, second);
  }
  return new Date(moment);
}

type Part = "year" | "month" | "day" | "hour" | "minute" | "second";

function localTime(moment: Date, timeZone: string | null): Record<Part, number> {
  const parts = formatFor(timeZone ?? undefined).formatToParts(moment);
  return Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)])) as Record<
    Part,
    number
  >;
}

const formats = new Map<string | undefined, Intl.DateTimeFormat>();

function formatFor(timeZone: string | undefined): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    ...(timeZone === undefined ? {} : { timeZone }),
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
    hourCycle: "h23",
  });
  formats.set(timeZone, made);
  return made;
}
