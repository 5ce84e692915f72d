import type { Task } from "./entities.js";
import type { ProposalFault } from "./evolution.js";
import type { Prompt } from "./prompt.js";

/** A critique prompt's message that a model wrote, and what it is held against. */
export interface WrittenVariant {
  readonly name: string;
  /** Its message, with variables still open. */
  readonly user: string;
  /** Where it comes from, as its file will say. */
  readonly source: string;
  /** The prompt that it was to improve. */
  readonly parent: Prompt;
  /** The file that it takes its front matter from. */
  readonly ancestor: { readonly name: string; readonly body: string };
  /** Prompts that it must not repeat, by what they are called. */
  readonly known: readonly (readonly [name: string, prompt: Prompt])[];
  /** What a leak is told from: words that this text has, too, give nothing away. */
  readonly plain: string;
  /** Tasks of which it may hold nothing. */
  readonly tasks: readonly Task[];
}

/** Why it is not tried. */
export type VariantFault = Exclude<ProposalFault, "cut off" | "unasked">;

/** It as a file, and read. */
export type ReadVariant =
  | { readonly body: string; readonly prompt: Prompt; readonly fault: null }
  | { readonly fault: VariantFault; readonly reason: string };

/** The name of a critique prompt that a coach writes before a round; each run has its own of that name. */
export const writtenName = (round: number) => `coach-${round}`;

/** Whether a prompt may be a coach's, by its name. */
export const isWritten = (name: string) => /^coach-\d+$/.test(name);
