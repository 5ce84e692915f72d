import { describe, expect, it } from "vitest";
import { isTimeZone, nightNamed, nightOf } from "../../src/core/night.js";

const hours = (name: string, zone: string) => {
  const { start, end } = nightNamed(name, zone);
  return (end.getTime() - start.getTime()) / 3_600_000;
};

describe("a night", () => {
  it("goes from noon to noon, local time, and is named by its evening", () => {
    const name = (moment: string) => nightOf(new Date(moment), "Europe/Vienna").name;
    expect(name("2026-11-23T10:59:59Z")).toBe("2026-11-22");
    expect(name("2026-11-23T11:00:00Z")).toBe("2026-11-23");
    expect(name("2026-11-24T10:59:59Z")).toBe("2026-11-23");
    expect(name("2027-01-01T00:30:00Z")).toBe("2026-12-31");
    expect(nightOf(new Date("2026-11-24T01:00:00Z"), "America/Los_Angeles").name).toBe(
      "2026-11-23",
    );
    expect(nightOf(new Date("2026-11-24T01:00:00Z"), "Pacific/Kiritimati").name).toBe("2026-11-24");
  });

  it("has 25 hours when summer time ends in it, and 23 when it begins", () => {
    expect(hours("2026-10-23", "Europe/Vienna")).toBe(24);
    expect(hours("2026-10-24", "Europe/Vienna")).toBe(25);
    expect(hours("2026-03-28", "Europe/Vienna")).toBe(23);
    expect(hours("2026-03-28", "Asia/Kolkata")).toBe(24);
    expect(nightNamed("2026-10-24", "Europe/Vienna").end.toISOString()).toBe(
      "2026-10-25T11:00:00.000Z",
    );
    // Zones may change by half an hour, and at the date line.
    expect(hours("2026-04-04", "Australia/Lord_Howe")).toBe(24.5);
  });

  it("is what its own start and end say, in every hour of a year", () => {
    for (const zone of ["Europe/Vienna", "America/New_York", "Asia/Kathmandu", "UTC"]) {
      for (let hour = 0; hour < 365 * 24; hour++) {
        const moment = new Date(Date.UTC(2026, 0, 1, hour, 30));
        const night = nightOf(moment, zone);
        if (moment < night.start || moment >= night.end) throw new Error(`${zone} ${moment}`);
      }
    }
  });

  it("is of a zone that exists", () => {
    expect(isTimeZone("Europe/Vienna")).toBe(true);
    expect(isTimeZone("Europe/Atlantis")).toBe(false);
  });
});
