import { z } from "zod";
import type { Verdict } from "./entities.js";
import type { CritiqueReading } from "./prompt-output.js";

const some = z.number().int().min(0).max(1000);

/** Answers on which critiques are tried by themselves, in each round; nothing is learned from them. */
export const examinationSchema = z
  .strictObject({
    /** Attempts that the verifier found right, and that it found wrong, each of another task. */
    right: some.default(20),
    wrong: some.default(20),
    /** References with one mistake put in. */
    planted: some.default(20),
  })
  .nullable()
  .default(null);

export type ExaminationKind = "right" | "wrong" | "planted";

/** An answer of which the verifier knows what it is, and what the critic says of it without being told. */
export interface Examined extends CritiqueReading {
  readonly id: string;
  readonly taskId: string;
  readonly kind: ExaminationKind;
  readonly answer: string;
  /** null where the recipe has no critique, or one that says nothing. */
  readonly callKey: string | null;
  readonly text: string;
}

/** The same answer rewritten after that critique. */
export interface Mended {
  readonly examinedId: string;
  readonly callKey: string;
  readonly answer: string;
  readonly verdict: Verdict;
}
