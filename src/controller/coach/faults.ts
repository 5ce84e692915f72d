import { AgentFault } from "../../core/agent.js";
import { PausedError, RedistillError } from "../../core/errors.js";

/**
 * Why a coach gave nothing that could be taken: it could not be read; it wants what it may not have; it took too long;
 * its model did not answer.
 */
export const coachFaults = ["malformed", "refused", "timed-out", "unavailable"] as const;
export type CoachFaultKind = (typeof coachFaults)[number];

/** Ends a coach's work; the rules decide in its place. */
export class CoachFault extends Error {
  override readonly name = "CoachFault";

  constructor(
    readonly kind: CoachFaultKind,
    message: string,
  ) {
    super(message);
  }
}

/** Whether a run could do without what it waits for: the coach's model is asked for advice only. */
const concernsModel = ["engine", "server"];

/** An error as a coach's fault; null for one that concerns the run: a budget, its hours, the disk, a stop. */
export function asCoachFault(error: unknown): CoachFault | null {
  if (error instanceof CoachFault) return error;
  if (error instanceof AgentFault) return new CoachFault("malformed", error.message);
  const gone =
    error instanceof PausedError
      ? concernsModel.includes(error.reason)
      : error instanceof RedistillError && error.kind === "model";
  return gone ? new CoachFault("unavailable", (error as Error).message) : null;
}
