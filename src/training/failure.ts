import { type ErrorKind, RedistillError } from "../core/errors.js";

/** What went wrong in the worker; the first seven are the worker's own words. */
export type TrainerFault =
  | "bad_job"
  | "out_of_memory"
  | "nan_loss"
  | "disk_full"
  | "bad_weights"
  | "weak_reward"
  | "internal"
  | "crashed"
  | "silent"
  | "protocol"
  | "wrong_adapter";

const kinds: Readonly<Record<TrainerFault, ErrorKind>> = {
  bad_job: "training",
  out_of_memory: "training",
  nan_loss: "training",
  disk_full: "storage",
  bad_weights: "model",
  weak_reward: "training",
  internal: "training",
  crashed: "training",
  silent: "training",
  protocol: "training",
  wrong_adapter: "training",
};

/** A failure of the Python worker. `fault` tells a diverged training from a broken machine. */
export class TrainerFailure extends RedistillError {
  constructor(
    readonly fault: TrainerFault,
    message: string,
    hint: string,
    options?: { cause?: unknown },
  ) {
    super(kinds[fault], message, hint, options);
  }
}

/** Whether a word from the worker is one of its error kinds. */
export function isTrainerFault(word: string): word is TrainerFault {
  return Object.hasOwn(kinds, word);
}

/** A request that ended because its signal was aborted. */
export function interrupted(what: string): RedistillError {
  return new RedistillError(
    "interrupted",
    `${what} was interrupted.`,
    "Run the command again; what was finished is kept.",
  );
}
