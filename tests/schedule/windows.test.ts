import { describe, expect, it } from "vitest";
import {
  parseTimeOfDay,
  parseWindow,
  type Schedule,
  scheduleSchema,
} from "../../src/core/schedule.js";
import { closesAt, isOpen, nextTimeOfDay, opensAt } from "../../src/schedule/windows.js";

const minute = 60_000;
const hour = 60 * minute;
const at = (text: string) => new Date(text);
const schedule = (windows: string[], rest: Partial<Schedule> = {}) =>
  scheduleSchema.parse({ windows, ...rest });

/** Days on which clocks are changed, and days on which they are not, in zones of every kind. */
const days: [timeZone: string, date: string][] = [
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["America/St_Johns", "2026-03-08"],
  ["America/St_Johns", "2026-11-01"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Asia/Kathmandu", "2026-10-25"],
  ["Africa/Casablanca", "2026-02-15"],
  ["Pacific/Apia", "2011-12-30"],
  ["UTC", "2026-10-25"],
];

const schedules = [
  { windows: ["22:00-07:00"] },
  { windows: ["22:00–02:30"], days: ["sat"] },
  { windows: ["02:15-02:45", "12:00-13:00"] },
  { windows: ["01:30-24:00"], days: ["sun", "tue"] },
];

/** Another way to read the clock: the text that a person would see there. */
function reader(timeZone: string): (instant: number) => { date: string; time: string } {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timeZone,
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  });
  return (instant) => {
    const [date = "", time = ""] = format.format(instant).split(" ");
    return { date, time };
  };
}

/** What a schedule says, word by word, of what the clock on the wall shows. */
function reads({ windows, days: named }: Schedule, { date, time }: { date: string; time: string }) {
  const nameOf = (shift: number) =>
    new Date(Date.parse(date) + shift * 24 * hour)
      .toUTCString()
      .slice(0, 3)
      .toLowerCase() as Schedule["days"][number];
  return windows.some((window) => {
    const [start = "", end = ""] = window.split(/[-–]/);
    const today = named.includes(nameOf(0));
    if (start < end) return today && time >= start && time < end;
    return (today && time >= start) || (named.includes(nameOf(-1)) && time < end);
  });
}

describe("a schedule", () => {
  for (const [timeZone, date] of days) {
    it(`in ${timeZone} around ${date} goes by the clock on the wall, minute by minute`, () => {
      const show = reader(timeZone);
      const begin = Date.parse(date) - 36 * hour;
      const minutes = Array.from({ length: 84 * 60 }, (_, i) => begin + i * minute);
      const shown = minutes.map(show);
      let turns = 0;
      for (const settings of schedules) {
        const one = scheduleSchema.parse({ ...settings, timeZone });
        const expected = shown.map((reading) => reads(one, reading));
        const actual = minutes.map((instant) => isOpen(one, new Date(instant)));
        expect(actual).toEqual(expected);
        // From the end: the next minute at which it is open, and at which it is closed.
        const next = { open: Number.NaN, closed: Number.NaN };
        for (let i = minutes.length - 2; i >= 0; i--) {
          if (expected[i + 1] !== expected[i]) {
            next[expected[i] ? "closed" : "open"] = minutes[i + 1]!;
            turns++;
          }
          if (i % 11 !== 0) continue;
          const from = new Date(minutes[i]!);
          const known = expected[i] ? next.closed : next.open;
          if (Number.isNaN(known)) continue;
          const told = expected[i] ? closesAt(one, from) : opensAt(one, from);
          expect(told?.getTime()).toBe(known);
        }
      }
      expect(turns).toBeGreaterThan(10);
    });
  }

  it("over midnight belongs to the day on which it begins", () => {
    const friday = schedule(["22:00-07:00"], { days: ["fri"], timeZone: "Europe/Berlin" });
    expect(isOpen(friday, at("2026-11-27T22:00:00+01:00"))).toBe(true);
    expect(isOpen(friday, at("2026-11-28T06:59:59.999+01:00"))).toBe(true);
    expect(isOpen(friday, at("2026-11-28T07:00:00+01:00"))).toBe(false);
    expect(isOpen(friday, at("2026-11-27T06:00:00+01:00"))).toBe(false);
    expect(closesAt(friday, at("2026-11-27T23:00:00+01:00"))).toEqual(at("2026-11-28T06:00:00Z"));
    expect(opensAt(friday, at("2026-11-28T07:00:00+01:00"))).toEqual(at("2026-12-04T21:00:00Z"));
  });

  it("is an hour shorter or longer in a night in which the clock is changed", () => {
    const night = schedule(["22:00-07:00"], { timeZone: "Europe/Berlin" });
    const length = (from: string) => {
      const opens = opensAt(night, at(from))!;
      return (closesAt(night, opens)!.getTime() - opens.getTime()) / hour;
    };
    expect(length("2026-03-28T12:00:00Z")).toBe(8);
    expect(length("2026-10-24T12:00:00Z")).toBe(10);
    expect(length("2026-11-24T12:00:00Z")).toBe(9);
  });

  it("whose windows meet goes through, and one without a gap never closes", () => {
    const meeting = schedule(["20:00-24:00", "00:00-06:00"], { timeZone: "UTC" });
    expect(closesAt(meeting, at("2026-11-27T21:00:00Z"))).toEqual(at("2026-11-28T06:00:00Z"));
    const always = schedule(["00:00-24:00"], { timeZone: "Europe/Berlin" });
    expect(closesAt(always, at("2026-10-24T21:00:00Z"))).toBeNull();
  });

  it("has the machine's time zone unless it names one", () => {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    const from = at("2026-11-27T12:34:56Z");
    const own = schedule(["22:00-22:30"]);
    expect(own.timeZone).toBeNull();
    expect(opensAt(own, from)).toEqual(opensAt({ ...own, timeZone }, from));
  });

  it.each([
    [{ windows: [] }],
    [{ windows: ["22-7"] }],
    [{ windows: ["22:00-25:00"] }],
    [{ windows: ["22:60-23:00"] }],
    [{ windows: ["22:00-22:00"] }],
    [{ windows: ["22:00-23:00-24:00"] }],
    [{ windows: ["22:00-07:00"], timeZone: "Europe/Brelin" }],
    [{ windows: ["22:00-07:00"], days: [] }],
    [{ windows: ["22:00-07:00"], days: ["monday"] }],
    [{ windows: ["22:00-07:00"], zone: "UTC" }],
  ])("%j is refused", (settings) => {
    expect(scheduleSchema.safeParse(settings).success).toBe(false);
  });

  it("is written with a hyphen or a dash", () => {
    expect(parseWindow("22:00–07:00")).toEqual({ start: 1320, end: 420 });
    expect(parseWindow(" 22:00 - 7:00 ")).toEqual({ start: 1320, end: 420 });
    expect(parseTimeOfDay("24:00")).toBe(1440);
    expect(parseTimeOfDay("24:01")).toBeNull();
  });
});

describe("the next time of day", () => {
  const next = (time: string, timeZone: string, after: string) =>
    nextTimeOfDay(parseTimeOfDay(time)!, timeZone, at(after)).toISOString();

  it("is today or tomorrow, never now", () => {
    expect(next("07:00", "Europe/Berlin", "2026-11-24T05:59:59Z")).toBe("2026-11-24T06:00:00.000Z");
    expect(next("07:00", "Europe/Berlin", "2026-11-24T06:00:00Z")).toBe("2026-11-25T06:00:00.000Z");
    expect(next("24:00", "UTC", "2026-11-24T06:00:00Z")).toBe("2026-11-25T00:00:00.000Z");
  });

  it("is the moment that skips it, or the first of two, when the clock is changed", () => {
    expect(next("02:30", "Europe/Berlin", "2026-03-28T23:00:00Z")).toBe("2026-03-29T01:00:00.000Z");
    expect(next("02:30", "Europe/Berlin", "2026-10-24T23:00:00Z")).toBe("2026-10-25T00:30:00.000Z");
    expect(next("07:00", "Europe/Berlin", "2026-10-24T22:00:00Z")).toBe("2026-10-25T06:00:00.000Z");
  });
});
