import { z } from "zod";
import { promptName } from "./prompt.js";

/** A judge says which of two answers is better; docs/decisions/024 has the sources. */
export const judgeSchema = z
  .strictObject({
    /** prompts/judge/<name>.md. */
    prompt: promptName.default("which-is-better"),
    /** Pairs of one task that are compared for training; none where no method learns from them. */
    perTask: z.number().int().min(1).max(64).default(1),
    /** Pairs of a round whose better answer the verifier knows: they measure the judge. */
    calibration: z.number().int().min(0).max(10_000).default(32),
    maxTokens: z.number().int().min(1).max(4096).default(96),
  })
  .nullable()
  .default(null);

/** What a judge said of a pair: which answer it prefers, neither, or nothing that can be read. */
export type JudgedOutcome = "first" | "second" | "tie" | "ungradable";

/** Both orders of one question together: a preference is one only when both agree on it. */
export function agreed(forward: JudgedOutcome, backward: JudgedOutcome): JudgedOutcome {
  if (forward === "ungradable" || backward === "ungradable") return "ungradable";
  return forward === backward ? forward : "tie";
}

/** Two answers to one task, and what the judge said of them in each order. */
export interface Preference {
  readonly id: string;
  readonly taskId: string;
  /** Whether it may be learned from, or measures the judge since the verifier knows better. */
  readonly purpose: "training" | "calibration";
  readonly first: JudgedAnswer;
  readonly second: JudgedAnswer;
  /** Asked with the first answer shown first, and with the second shown first. */
  readonly forward: JudgedCall;
  readonly backward: JudgedCall;
  readonly outcome: JudgedOutcome;
  readonly promptHash: string;
}

export interface JudgedAnswer {
  readonly source: "attempt" | "revision";
  readonly sourceId: string;
}

export interface JudgedCall {
  /** The call whose answer was read: the second one where the first could not be. */
  readonly callKey: string;
  readonly repaired: boolean;
  readonly outcome: JudgedOutcome;
}
