/** Exit codes of the command line, one per kind of failure; documented in README.md. */
export const exitCodes = {
  ok: 0,
  internal: 1,
  usage: 2,
  setup: 3,
  storage: 4,
  model: 5,
  training: 6,
  state: 7,
  paused: 75,
  interrupted: 130,
} as const;

export type ErrorKind = Exclude<keyof typeof exitCodes, "ok">;

/** Trainings that cannot succeed as they are set up; at worst the round is given up, the run goes on. */
export const trainingFaults = ["nan_loss", "out_of_memory"] as const;
export type TrainingFault = (typeof trainingFaults)[number];
/** What else costs a round its candidate and not the run; no other settings would mend it. */
export const hopelessFaults = ["weak_reward"] as const;

/**
 * The one error a user can meet: what happened and where (`message`), what to do next (`hint`).
 *
 * @example
 * throw new RedistillError("usage", "tasks.path: no file at tasks.jsonl", "Check the path in the recipe.");
 */
export class RedistillError extends Error {
  override readonly name = "RedistillError";

  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly hint: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}

/**
 * Thrown where a run has to wait for something: a budget, a time window, room on the disk. Whoever
 * works on the run leaves it resumable in the state `paused`, with this as the reason.
 */
export class PausedError extends RedistillError {
  constructor(
    /** One word for events and notifications: `budget`, `window`, `disk`, `health`, … */
    readonly reason: string,
    message: string,
    hint: string,
    options?: { cause?: unknown },
  ) {
    super("paused", message, hint, options);
  }
}

/**
 * An engine that crashed or fell silent while it was asked. The answers that came before are kept,
 * and the next request starts it again.
 */
export class EngineFault extends RedistillError {
  constructor(
    readonly fault: "crashed" | "silent",
    /** Whether it had been given requests; false while it was still loading its weights. */
    readonly answering: boolean,
    message: string,
    hint: string,
  ) {
    super("model", message, hint);
  }
}

/** The word for what went wrong, of an error that has one; null for any other. */
export function faultOf(error: unknown): string | null {
  if (!(error instanceof RedistillError) || !("fault" in error)) return null;
  return typeof error.fault === "string" ? error.fault : null;
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
