import type { OutcomeCounts, PairedComparison } from "../core/entities.js";
import { points } from "../core/points.js";

/** 0.455 → "45.5%". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** The share of answers that are right. */
export function accuracy(counts: OutcomeCounts): string {
  const total = totalOf(counts);
  return percent(total === 0 ? 0 : counts.ok / total);
}

function totalOf({ ok, wrong, ungradable }: OutcomeCounts): number {
  return ok + wrong + ungradable;
}

/** "+30.1 to +44.6". */
export function interval({ low, high }: Pick<PairedComparison, "low" | "high">): string {
  return `${points(low)} to ${points(high)}`;
}

/** "p < 0.0001", "p = 0.012". */
export function pValue(p: number): string {
  return p < 0.0001 ? "p < 0.0001" : `p = ${Number(p.toPrecision(2))}`;
}

/** 1 → "once", 2 → "twice", 3 → "3 times". */
export function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

/** 1 → "1 task", 2 → "2 tasks". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** 75 → "1m 15s". */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 1) return "<1s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${String(whole % 60).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}

/** 12345.6 → "12,345.6". */
export function figure(value: number): string {
  return value.toLocaleString("en-US");
}

/** "23 Nov 21:15" in a time zone, of a UTC time. */
export function clockTime(at: string, timeZone: string): string {
  return inZone(at, timeZone, {});
}

/** "23 Nov 2026 21:15" in a time zone, of a UTC time. */
export function dateTime(at: string, timeZone: string): string {
  return inZone(at, timeZone, { year: "numeric" });
}

function inZone(at: string, timeZone: string, more: Intl.DateTimeFormatOptions): string {
  const parts = { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" } as const;
  const format = new Intl.DateTimeFormat("en-GB", {
    ...parts,
    ...more,
    hourCycle: "h23",
    timeZone,
  });
  return format.format(new Date(at)).replace(",", "");
}
