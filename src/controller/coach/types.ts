import type { RunAgent } from "../../core/agent.js";
import type { Clock } from "../../core/clock.js";
import type { Message } from "../../core/entities.js";
import type {
  CritiqueVariant,
  LeverSettings,
  Observation,
  Plan,
  PolicySettings,
} from "../../core/policy.js";
import type { Complete } from "../../core/ports.js";
import type { Prompt } from "../../core/prompt.js";
import type { ReadVariant, WrittenVariant } from "../../core/variant.js";

/** What a critic said of a failed answer to a training task. */
export interface CritiqueSeen {
  readonly taskId: string;
  readonly task: string;
  readonly answer: string;
  readonly critique: string;
}

/** All that a coach is told of a run. Nothing of the gate's, the sealed or any other suite's tasks is among it. */
export interface CoachInput {
  readonly observation: Observation;
  /** Latest first; those of tasks that the observation does not have are not shown. */
  readonly critiques: readonly CritiqueSeen[];
  readonly settings: Extract<PolicySettings, { kind: "coach" }>;
  /** coach/<settings.prompt> and coach-repair/tool-call. */
  readonly prompts: { readonly coach: Prompt; readonly repair: Prompt };
  /** What the recipe's critic is asked with, for who may write another; null where it may not. */
  readonly critiquePrompt: string | null;
}

/** A line that a coach would have remembered, and the id of the group of failures that it is about. */
export interface CoachLesson {
  readonly cluster: string;
  readonly text: string;
}

/** A proposal of which everything may be done. */
export interface Accepted {
  /** Only what differs from the recipe. */
  readonly settings: LeverSettings;
  /** The id of the cluster to take up first. */
  readonly cluster: string | null;
  readonly lesson: CoachLesson | null;
  readonly variant: CritiqueVariant | null;
  readonly stop: string | null;
  readonly because: string;
}

/** What a run has for its coach. */
export interface CoachParts {
  readonly prompts: CoachInput["prompts"];
  readonly runAgent: RunAgent;
  readVariant(variant: WrittenVariant): ReadVariant;
}

/** All that a coach's work is done with. */
export interface CoachPorts {
  /** Answers of the coach's model; a call under way is given up, and rejects, once the signal is aborted. */
  complete(signal: AbortSignal): Complete;
  /** How that model's answers are held to the form of a call: not at all, by a schema, or by a grammar to legal values, too. */
  readonly held: "not" | "schema" | "grammar";
  /** Tokens that one of its sequences holds: prompt and answer together. */
  readonly contextTokens: number;
  /** The length of a conversation as that model reads it, in tokens. */
  tokensOf(messages: readonly Message[]): Promise<number>;
  readonly runAgent: RunAgent;
  /** The rules that decide where the coach gives nothing that can be taken. */
  rules(observation: Observation): Plan;
  /**
   * Why the recipe contradicts itself with these settings; null where it does not.
   *
   * @param written A prompt that the run has with them.
   */
  objection(settings: LeverSettings, written?: CritiqueVariant | null): string | null;
  /**
   * Why the memory would not keep a lesson, as far as that can be known before it is written; null where it would. In place
   * of the function null, where the recipe keeps none.
   */
  readonly lessonObjection: ((lesson: CoachLesson) => string | null) | null;
  /** A text as a critique prompt of the run, or why it is none; in place of the function null where none may be written. */
  readonly variant:
    | ((text: string) => Promise<CritiqueVariant | { readonly objection: string }>)
    | null;
  /** Whether a text holds the question or the reference of a task, of whatever split. */
  leaks(text: string): boolean;
  readonly clock: Clock;
  /** The run's: once it is aborted there is no plan at all. */
  readonly signal: AbortSignal;
}
