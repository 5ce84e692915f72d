import { InvalidArgumentError } from "commander";
import { parseTimeOfDay } from "../core/schedule.js";

/** Reads a number given on the command line; commander names the option when it is wrong. */
export function numberBetween(low: number, high: number, kind: "any" | "whole" = "any") {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    const fits = value >= low && value <= high && (kind === "any" || Number.isInteger(value));
    if (fits) return value;
    throw new InvalidArgumentError(
      `Give a ${kind === "whole" ? "whole " : ""}number from ${low} to ${high}.`,
    );
  };
}

/** Checks a time of day given on the command line. */
export function timeOfDay(text: string): string {
  if (parseTimeOfDay(text) !== null) return text.trim();
  throw new InvalidArgumentError("Give a time of day in 24 hours, as 07:00.");
}
