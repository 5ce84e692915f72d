import type { Sampling } from "../../core/entities.js";

/** How a server wants to be asked; found out by `probe`. */
export interface Dialect {
  /** Reports tokens at the end of a stream when it is told to (`stream_options`). */
  readonly streamUsage: boolean;
  readonly seed: boolean;
  /** Takes `temperature` and `top_p`; some reasoning models do not. */
  readonly temperature: boolean;
  /** Not in OpenAI's API; vLLM, llama-server and most local servers take them. */
  readonly topK: boolean;
  readonly minP: boolean;
  readonly answerFormat: AnswerFormat;
}

/** How an answer is held to a schema: by the schema, to JSON of any form, or not at all. */
export type AnswerFormat = "json_schema" | "json_object" | "none";

/** Everything that a server might refuse. */
export const everything: Dialect = {
  ...{ streamUsage: true, seed: true, temperature: true, topK: true, minP: true },
  answerFormat: "none",
};

/** Fields that LangChain's model does not have by name. */
export function extraFields(
  sampling: Sampling,
  dialect: Dialect,
): Readonly<Record<string, unknown>> {
  // Sent even where they are off: servers have defaults of their own. -1 is off for all, 0 only for some.
  return {
    ...(dialect.topK ? { top_k: sampling.topK === 0 ? -1 : sampling.topK } : {}),
    ...(dialect.minP ? { min_p: sampling.minP } : {}),
  };
}
