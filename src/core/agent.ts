import type { z } from "zod";
import type { Message } from "./entities.js";

/** Something that an agent may look at: a function without effects, whose arguments have one form. */
export interface AgentTool {
  readonly name: string;
  readonly schema: z.ZodType;
  /** Gives what the model reads. The arguments are what `schema` made of the model's. */
  run(given: never): string;
}

/** One answer that an agent wants of its model. */
export interface AgentTurn {
  /** From 1. */
  readonly turn: number;
  /** Whether this turn's first answer could not be read. */
  readonly again: boolean;
  /** The whole conversation; after system and question come answers and what tools said, by turns. */
  readonly messages: readonly Message[];
  /** JSON schema of the answer, in the part of the language that servers take; arguments may be another name's. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Each name with its own arguments, and no tool twice that takes none: for models that are held by a grammar. */
  readonly exactSchema: Readonly<Record<string, unknown>>;
}

/** What an agent is to do, and all that it has for it. */
export interface AgentJob<T> {
  readonly system: string | null;
  readonly question: string;
  readonly tools: readonly AgentTool[];
  /** What ends the work: a call of this name, whose arguments are what the agent comes to. */
  readonly outcome: { readonly name: string; readonly schema: z.ZodType<T> };
  /** Answers at most, the outcome among them; each that cannot be read is asked for once more. */
  readonly turns: number;
  /** Asks the model; `complete` is false for an answer that was cut off. */
  ask(turn: AgentTurn): Promise<{ readonly text: string; readonly complete: boolean }>;
  /** The words in which an answer in a form is asked for again. */
  repair(form: string): string;
}

/**
 * Lets a model use tools until it comes to an outcome.
 *
 * @throws AgentFault where it says nothing readable twice in a turn; whatever `ask` throws.
 */
export type RunAgent = <T>(job: AgentJob<T>) => Promise<T>;

/** A model that could not be understood. */
export class AgentFault extends Error {
  override readonly name = "AgentFault";
}
