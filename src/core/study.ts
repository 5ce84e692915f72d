import { z } from "zod";

/** Values of a recipe by dotted path, for example `{"critique.prompt": "rewrite"}`. */
const settings = z.record(z.string().min(1), z.unknown());
export type Settings = z.infer<typeof settings>;

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,19}$/, "a name has a-z, 0-9 and -, at most 20");
const share = z.number().min(0).max(1);
const some = (maximum: number) => z.number().int().min(0).max(maximum);

/** Levels of a factor: values of the recipe key that it is called after, or named sets of settings. */
const factor = z.union([
  z.array(z.unknown()).min(2),
  z
    .record(slug, settings)
    .refine((levels) => Object.keys(levels).length >= 2, "two levels or more"),
]);

const design = z.discriminatedUnion("kind", [
  /** Every combination of levels. */
  z.strictObject({ kind: z.literal("full") }),
  /** So many of them, chosen so that main effects can be told apart (D-optimal). */
  z.strictObject({ kind: z.literal("fraction"), arms: z.number().int().min(2).max(256) }),
  /** Every combination with the first seed; after each seed only the best share goes on. */
  z.strictObject({ kind: z.literal("halving"), keep: z.number().gt(0).lt(1).default(0.5) }),
]);

/** What one may expect before anything was run; the power calculation starts from it. */
const expectation = z.strictObject({
  /** Share of held-out tasks on which two arms differ. */
  discordant: share.default(0.2),
  /** Of one task's differences with two seeds. */
  correlation: share.default(0.3),
  /** Standard deviation of a training's gain over seeds, as a share. */
  seedDeviation: share.default(0.03),
});

/** A study: one recipe with some settings varied, each arm with every seed. */
export const studySchema = z.strictObject({
  name: slug,
  question: z.string().default(""),
  /** The recipe that all arms are made from; relative to the study's file. */
  recipe: z.string().min(1),
  /** Settings of all arms. */
  settings: settings.default({}),
  seeds: z
    .array(some(2 ** 31 - 1))
    .min(1)
    .max(64)
    .refine((seeds) => new Set(seeds).size === seeds.length, "a seed is there twice")
    .default([1, 2, 3]),
  /** Which tasks are drawn: the same for all arms and seeds. */
  taskSeed: some(2 ** 31 - 1).default(1),
  factors: z
    .record(z.string().min(1), factor)
    .refine((factors) => Object.keys(factors).length >= 1, "one factor or more"),
  design: design.prefault({ kind: "full" }),
  /** Runs of a seed that are worked on side by side, where servers answer; 1 where nothing is said. */
  together: z.number().int().min(1).max(64).optional(),
  /** Level of all comparisons together (Holm), and what remains of it as confidence. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** Differences within this share count as none (equivalence). */
  margin: share.default(0.05),
  expect: expectation.prefault({}),
});

export type StudySpec = z.infer<typeof studySchema>;

/**
 * `treatment`: a combination of levels. `equal-compute`: neither critique nor revision; its tokens go into more
 * attempts. `untrained`: the base weights.
 */
export type ArmRole = "treatment" | "equal-compute" | "untrained";

/** One way to learn, with its place in the study. */
export interface Arm {
  /** "a1", "a2", …; the controls are "compute" and "base". */
  readonly id: string;
  readonly role: ArmRole;
  /** Its level of each factor, by the factor's name; empty for controls. */
  readonly levels: Readonly<Record<string, string>>;
  /** What it changes in the study's recipe. */
  readonly settings: Settings;
}
