import { z } from "zod";
import { embedderSchema } from "./embedder.js";

/** What a recipe says of lessons that outlive its runs; null: it neither reads nor writes any. */
export const longTermSchema = z
  .strictObject({
    /** Runs of one family share their lessons; null: named after the source of the tasks. */
    family: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._:-]{0,79}$/, "a family has a-z, 0-9 and . _ : -, at most 80")
      .nullable()
      .default(null),
    /** Shows them to the teacher. */
    read: z.boolean().default(true),
    /** Keeps what its rounds learn, and what became of lessons that it showed. */
    write: z.boolean().default(true),
    /** Lessons of the family in use; beyond it the least valuable is retired. */
    cap: z.number().int().min(1).max(1000).default(64),
    /** Shown with one question, at most. */
    lessons: z.number().int().min(1).max(64).default(4),
    /** That they may add to a question, at most. */
    tokens: z.number().int().min(16).max(65_536).default(128),
    /** How those that fit a task are found: by its words, or by vectors that a model makes of texts. */
    retrieval: z.enum(["text", "embedding"]).default("text"),
    /** What makes the vectors; null: the student's own weights, where the embedded engine runs them. */
    embedder: embedderSchema.nullable().default(null),
  })
  .nullable()
  .default(null);

export type LongTermSettings = NonNullable<z.infer<typeof longTermSchema>>;

/** Whether the vectors that lessons are found by are made of the student's own weights. */
export function embedsItself(longTerm: LongTermSettings | null): boolean {
  return longTerm?.retrieval === "embedding" && longTerm.embedder === null;
}

interface Tasks {
  readonly source: string;
  readonly dataset?: string;
  readonly path?: string;
}

/**
 * Whose lessons a recipe shares: the family that it names, else its source of tasks with the dataset or the file's name.
 *
 * @example
 * familyOf({ longTerm: null, tasks: { source: "reasoning_gym", dataset: "chain_sum" } }) // "reasoning_gym:chain_sum"
 */
export function familyOf(recipe: {
  readonly longTerm: { readonly family: string | null } | null;
  readonly tasks: Tasks;
}): string {
  const { source, dataset, path } = recipe.tasks;
  if (recipe.longTerm?.family) return recipe.longTerm.family;
  const file = path
    ?.split(/[\\/]/)
    .at(-1)
    ?.replace(/\.[^.]*$/, "");
  const part = dataset ?? file;
  const named = part === undefined ? source : `${source}:${part}`;
  return named
    .toLowerCase()
    .replace(/[^a-z0-9._:-]/g, "-")
    .slice(0, 80);
}

/** Settings of the long-term memory that make no sense together. */
export function longTermContradictions({
  longTerm,
  model,
}: {
  readonly longTerm: LongTermSettings | null;
  readonly model: { readonly provider: string };
}): { path: string[]; message: string }[] {
  if (longTerm === null) return [];
  const { read, write, retrieval, embedder } = longTerm;
  if (!read && !write) {
    return [
      { path: ["longTerm"], message: "neither read nor write: remove it, or set one of them" },
    ];
  }
  if (retrieval === "text" && embedder !== null) {
    const message = "makes vectors that nothing reads; set longTerm.retrieval: embedding";
    return [{ path: ["longTerm", "embedder"], message }];
  }
  if (retrieval === "embedding" && embedder === null && model.provider !== "embedded") {
    const message =
      "the student's server makes no vectors by itself: name a model that does in longTerm.embedder";
    return [{ path: ["longTerm", "retrieval"], message }];
  }
  return [];
}
