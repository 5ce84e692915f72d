import { z } from "zod";
import { budgetSchema } from "./budget.js";
import { clustersSchema } from "./cluster.js";
import { examinationSchema } from "./examination.js";
import { gateContradictions, gateSchema } from "./gate.js";
import { healthSchema } from "./health.js";
import { judgeSchema } from "./judge.js";
import { policyContradictions } from "./levers.js";
import { longTermContradictions, longTermSchema } from "./long-term.js";
import { memorySchema } from "./memory.js";
import { modelSchema, rolesSchema } from "./model.js";
import { pricesSchema } from "./money.js";
import { notifySchema } from "./notify.js";
import { stopSchema } from "./plateau.js";
import { policySchema } from "./policy.js";
import { promptName } from "./prompt.js";
import { retentionSchema } from "./retention.js";
import { memoryContradictions, methodContradictions, retrainSchema } from "./retrain.js";
import { rubricContradictions, rubricSchema } from "./rubric.js";
import { scheduleSchema } from "./schedule.js";
import { trainerSchema } from "./trainer.js";

/** The seed recipes of this repository live in runs/recipes; every number below can be set there. */

const ownVerifiers = [
  z.strictObject({ kind: z.literal("exact"), ignoreCase: z.boolean().optional() }),
  z.strictObject({ kind: z.literal("numeric"), tolerance: z.number().min(0).optional() }),
  z.strictObject({ kind: z.literal("contains") }),
  z.strictObject({ kind: z.literal("json") }),
  z.strictObject({ kind: z.literal("fields") }),
] as const;

/** Verifiers that need nothing but the task's reference: those that a task file may name. */
export const ownVerifierSchema = z.discriminatedUnion("kind", ownVerifiers);

/** For tasks of a file that have no reference: a judge grades their answers. */
const fileVerifier = z.discriminatedUnion("kind", [...ownVerifiers, rubricSchema]);

const reasoningGymVerifier = z.discriminatedUnion("kind", [
  ...ownVerifiers,
  z.strictObject({ kind: z.literal("reasoning_gym") }),
]);

const count = (maximum: number) => z.number().int().min(0).max(maximum);
const atLeastOne = (maximum: number) => z.number().int().min(1).max(maximum);
const share = z.number().min(0).max(1);

const sizes = {
  /** Tasks that the loop may learn from. */
  train: atLeastOne(100_000),
  /** Tasks that decide whether a candidate is promoted; never trained on. */
  gate: atLeastOne(100_000),
  /** Tasks that nothing but the final report sees. */
  sealed: count(100_000).default(0),
  /** Which tasks are drawn, and for what; null takes the recipe's seed. Runs that are to be compared share it. */
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .nullable()
    .default(null),
};

const tasks = z.discriminatedUnion("source", [
  z.strictObject({
    source: z.literal("reasoning_gym"),
    dataset: z.string().min(1),
    config: z.record(z.string(), z.unknown()).default({}),
    verifier: reasoningGymVerifier.default({ kind: "reasoning_gym" }),
    ...sizes,
  }),
  z.strictObject({ source: z.literal("orders"), ...sizes }),
  z.strictObject({
    source: z.literal("jsonl"),
    path: z.string().min(1),
    verifier: fileVerifier.default({ kind: "exact" }),
    ...sizes,
  }),
]);

const sampling = {
  temperature: z.number().min(0).max(5),
  topP: z.number().gt(0).max(1).default(0.95),
  topK: count(100_000).default(40),
  minP: share.default(0),
  maxTokens: atLeastOne(4096),
};

export const recipeSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "a name has a-z, 0-9 and -, at most 40"),
  description: z.string().default(""),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
  rounds: atLeastOne(1000),
  /** The student, and whoever is not named in `roles`. */
  model: modelSchema.prefault({}),
  roles: rolesSchema,
  tasks,
  /** What the base model can do already and must not lose. */
  retention: retentionSchema,
  student: z
    .strictObject({
      prompt: promptName.default("answer"),
      maxTokens: atLeastOne(4096).default(64),
    })
    .prefault({}),
  /** What the teacher has in a round and the student will not have at test time. */
  teacher: z
    .strictObject({
      /** Who says that an answer is right: the task's reference, or the majority of the attempts. */
      labels: z.enum(["reference", "majority"]).default("reference"),
      /** With `majority`: the smallest share of attempts that makes a label. */
      majorityShare: share.default(0.5),
      /** Solved training tasks shown before each question. */
      exemplars: count(64).default(0),
      /** Let critique and refine prompts show the reference (STaR's rationalisation). */
      hint: z.boolean().default(false),
    })
    .prefault({}),
  elicit: z
    .strictObject({
      /** Training tasks taken up in one round; 0 takes all. */
      tasksPerRound: count(100_000).default(0),
    })
    .prefault({}),
  generate: z
    .strictObject({
      ...sampling,
      attempts: atLeastOne(256).default(8),
      temperature: sampling.temperature.default(0.8),
      maxTokens: sampling.maxTokens.default(64),
    })
    .prefault({}),
  critique: z
    .strictObject({
      ...sampling,
      prompt: promptName,
      /** Another prompt that half of the failed tasks are criticised with, so that the two can be compared. */
      trial: promptName.nullable().default(null),
      /** Wrong attempts of a task that are criticised; tasks with enough right answers have none. */
      perTask: atLeastOne(64).default(1),
      temperature: sampling.temperature.default(0.7),
      maxTokens: sampling.maxTokens.default(64),
    })
    .nullable()
    .default(null),
  refine: z
    .strictObject({
      ...sampling,
      prompt: promptName,
      /** Revisions written for each critique (or for each failed task where there is no critique). */
      tries: atLeastOne(64).default(2),
      temperature: sampling.temperature.default(0.7),
      maxTokens: sampling.maxTokens.default(64),
    })
    .nullable()
    .default(null),
  /** Tries the critique prompt on answers of which the verifier knows what they are. */
  examine: examinationSchema,
  /** Groups failures by what went wrong. */
  clusters: clustersSchema,
  /** Says which of two answers is better where verifiers do not tell. */
  judge: judgeSchema,
  curate: z
    .strictObject({
      /** Answers kept for one task. */
      perTask: atLeastOne(64).default(1),
      order: z.enum(["shortest", "diverse"]).default("shortest"),
      /** Examples that a round may train on at most, earlier rounds' included; 0 sets no limit. */
      maximum: count(1_000_000).default(0),
      /** Fewer examples than this and the round is skipped. */
      minimum: atLeastOne(1_000_000).default(8),
      /** Train on the examples of earlier rounds too. */
      carryOver: z.boolean().default(true),
      /** Similarity to a held-out task, 0 to 1, from which an example is refused. */
      nearDuplicate: share.default(0.8),
      /** General prompts that the model answers itself and is trained on, against forgetting. */
      replay: z
        .strictObject({
          path: z.string().min(1),
          /** Replay examples for each task example. */
          ratio: z.number().min(0).max(10).default(0.25),
          maxTokens: atLeastOne(4096).default(32),
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
  retrain: retrainSchema.prefault({}),
  /** Lessons and exemplars in the student's prompt, beside the weights that `retrain` trains. */
  memory: memorySchema.nullable().default(null),
  /** Lessons that outlive the run, for its teacher and for later runs on such tasks. */
  longTerm: longTermSchema,
  gate: gateSchema.prefault({}),
  /** When to end before the last round. */
  stop: stopSchema.nullable().default(null),
  /** Who decides what each round does. */
  policy: policySchema,
  budget: budgetSchema.prefault({}),
  prices: pricesSchema,
  health: healthSchema,
  /** Who hears of promoted, rejected, paused, failed, finished; no part of what a run is. */
  notify: notifySchema,
  /** When the run may work; it does not change what comes out. */
  schedule: scheduleSchema.nullable().default(null),
  /** Where trainings run; it changes no setting of theirs. */
  trainer: trainerSchema,
});

export type Recipe = z.infer<typeof recipeSchema>;

/** Settings that change no answer: a run takes them over from its recipe's file, and stays the same run. */
export const changeable = ["budget", "prices", "notify", "schedule", "trainer"] as const;
export type Changeable = Pick<Recipe, (typeof changeable)[number]>;

/** Sampling as a recipe has it: everything but the seed, which each call gets of its own. */
export type SamplingSettings = Pick<
  Recipe["generate"],
  "temperature" | "topP" | "topK" | "minP" | "maxTokens"
>;

/** Combinations that are valid key by key but make no sense together; each is one sentence. */
export function contradictions(recipe: Recipe): { path: (string | number)[]; message: string }[] {
  const found: { path: (string | number)[]; message: string }[] = [];
  if (recipe.teacher.labels === "majority") {
    if (recipe.generate.attempts < 3)
      found.push({
        path: ["generate", "attempts"],
        message: "a majority needs 3 attempts or more",
      });
    if (recipe.teacher.hint)
      found.push({
        path: ["teacher", "hint"],
        message: "a hint shows the reference, which labels: majority does without",
      });
    if (recipe.teacher.exemplars > 0)
      found.push({
        path: ["teacher", "exemplars"],
        message: "exemplars show references, which labels: majority does without",
      });
  }
  if (recipe.teacher.hint && recipe.refine === null)
    found.push({
      path: ["teacher", "hint"],
      message: "the hint is shown when refining; set refine.prompt",
    });
  if (recipe.critique !== null && recipe.refine === null)
    found.push({
      path: ["critique"],
      message: "a critique is used by refine; set refine.prompt too",
    });
  if (recipe.critique !== null && recipe.critique.trial === recipe.critique.prompt)
    found.push({
      path: ["critique", "trial"],
      message: "it is critique.prompt itself; a trial needs another prompt",
    });
  if (recipe.curate.maximum > 0 && recipe.curate.maximum < recipe.curate.minimum)
    found.push({
      path: ["curate", "maximum"],
      message: "less than curate.minimum, so that every round would be skipped",
    });
  if (recipe.teacher.exemplars >= recipe.tasks.train)
    found.push({
      path: ["teacher", "exemplars"],
      message: "exemplars are taken from the training tasks; leave some to train on",
    });
  return [
    ...found,
    ...gateContradictions(recipe),
    ...methodContradictions(recipe),
    ...memoryContradictions(recipe),
    ...longTermContradictions(recipe),
    ...rubricContradictions(recipe),
    ...policyContradictions(recipe),
  ];
}
