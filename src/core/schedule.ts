import { z } from "zod";
import { isTimeZone } from "./night.js";

/** Days as a recipe names them, in the order of `Date.getUTCDay`. */
export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
type Weekday = (typeof weekdays)[number];

/** Minutes after midnight; `end` is before `start` for a window over midnight. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** "07:30" as minutes after midnight, from 00:00 to 24:00; null if it is none. */
export function parseTimeOfDay(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (match === null) return null;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return Number(match[2]) < 60 && minutes <= 24 * 60 ? minutes : null;
}

/** "22:00-07:00", also with an en dash; null if it is none. Its end does not belong to it. */
export function parseWindow(text: string): Window | null {
  const [first, second, ...rest] = text.split(/[-–]/).map(parseTimeOfDay);
  if (first == null || second == null || rest.length > 0) return null;
  return first === second || first === 24 * 60 ? null : { start: first, end: second };
}

/** When a run may work, by the clock on the wall of a place. */
export const scheduleSchema = z.strictObject({
  windows: z
    .array(
      z
        .string()
        .refine((text) => parseWindow(text) !== null, 'write windows as "22:00-07:00" (24 hours)'),
    )
    .min(1),
  /** Days on which a window may begin; one over midnight ends on the day after. */
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .default((): Weekday[] => ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
  /** IANA name of the place whose clock counts; null is the machine's. */
  timeZone: z
    .string()
    .refine(isTimeZone, "not a time zone; names are like Europe/Vienna")
    .nullable()
    .default(null),
});

export type Schedule = z.infer<typeof scheduleSchema>;
