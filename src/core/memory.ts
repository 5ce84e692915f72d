import { z } from "zod";
import { canonicalJson } from "./hash.js";

/** What a student carries in its prompt, in place of trained weights or beside them. */
export interface Memory {
  readonly lessons: readonly RememberedLesson[];
  readonly exemplars: readonly RememberedExemplar[];
}

/** A rule in one line, with the mended answers that speak for it. */
export interface RememberedLesson {
  readonly text: string;
  readonly evidence: readonly LessonEvidence[];
}

/** A failed attempt, what was said of it, and the revision that succeeded then. */
export interface LessonEvidence {
  readonly round: number;
  readonly taskId: string;
  readonly attemptId: string;
  readonly critiqueId: string;
  readonly revisionId: string;
}

/** A training task with a right answer of the model's own. */
export interface RememberedExemplar {
  readonly prompt: string;
  readonly answer: string;
  readonly evidence: {
    readonly round: number;
    readonly taskId: string;
    readonly source: "attempt" | "revision";
    readonly sourceId: string;
  };
}

/** A line that the model made of one critique; `refused` says why no memory may hold it. */
export interface DistilledLesson extends LessonEvidence {
  readonly id: string;
  readonly callKey: string;
  readonly text: string;
  readonly refused: string | null;
}

/** Why a round has no candidate although it learned something. */
export const nothingNew = "it would remember what the incumbent does already";

/** Tokens of the longest lesson: it is one line. */
export const lessonTokens = 48;

const count = z.number().int().min(0).max(64);
const promptName = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "a prompt's name has a-z, 0-9 and -");

/** What a recipe says of a memory, wherever it stands in it. */
export const memoryShape = {
  /** That a memory may add to a question, at most. */
  tokens: z.number().int().min(16).max(65_536).default(512),
  lessons: count.default(8),
  exemplars: count.default(4),
  /** Different training tasks that must speak for a lesson. */
  evidence: z.number().int().min(1).max(1000).default(1),
  /** prompts/memory/<name>.md: how lessons stand before a question. */
  prompt: promptName.default("recall"),
  /** prompts/distil/<name>.md: how a critique is made a lesson. */
  lessonPrompt: promptName.default("lesson"),
};

export const memorySchema = z.strictObject(memoryShape);
export type MemorySettings = z.infer<typeof memorySchema>;

const id = z.string().min(1).max(200);
const round = z.number().int().min(1);
const fileShape = z.strictObject({
  version: z.literal(1),
  model: z.string(),
  weights: z.string().nullable(),
  lessons: z.array(
    z.strictObject({
      text: z.string(),
      evidence: z.array(
        z.strictObject({ round, taskId: id, attemptId: id, critiqueId: id, revisionId: id }),
      ),
    }),
  ),
  exemplars: z.array(
    z.strictObject({
      prompt: z.string(),
      answer: z.string(),
      evidence: z.strictObject({
        ...{ round, taskId: id, sourceId: id },
        source: z.enum(["attempt", "revision"]),
      }),
    }),
  ),
});

/**
 * The bytes of a memory's file; their sha256 names the candidate. The model's digest and the weights
 * that it stands beside are in it: the same lessons for another model are another candidate.
 */
export function memoryText(
  memory: Memory,
  beside: { readonly model: string; readonly weights: string | null },
): string {
  return `${canonicalJson({ version: 1, ...beside, ...memory })}\n`;
}

/** @throws ZodError or SyntaxError for a text that `memoryText` did not write. */
export function parseMemory(text: string): Memory {
  const { lessons, exemplars } = fileShape.parse(JSON.parse(text));
  return { lessons, exemplars };
}
