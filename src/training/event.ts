import { messageOf } from "../core/errors.js";
import { isTrainerFault, TrainerFailure } from "./failure.js";

/** A line of a worker's stream. */
export type WorkerEvent = Readonly<Record<string, unknown>>;

/** The event in a line, or null for a line that is none. */
export function parseEvent(line: string): WorkerEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && typeof (value as WorkerEvent).event === "string"
      ? (value as WorkerEvent)
      : null;
  } catch {
    return null;
  }
}

/** What a worker's `error` event says, as an error. */
export function failed(event: WorkerEvent): TrainerFailure {
  const fault = isTrainerFault(String(event.kind)) ? String(event.kind) : "internal";
  const message = `The trainer's worker reports ${fault}: ${messageOf(event.message ?? "no details")}`;
  const hint = typeof event.hint === "string" && event.hint !== "" ? event.hint : "See its log.";
  return new TrainerFailure(isTrainerFault(fault) ? fault : "internal", message, hint);
}
