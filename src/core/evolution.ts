import { z } from "zod";
import type { Attempt, Outcome } from "./entities.js";
import { promptName } from "./prompt.js";
import type { CritiqueVerdict } from "./prompt-output.js";

const whole = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);
const seed = whole(0, 2 ** 31 - 1);
const share = z.number().min(0).max(1);

/** A search for a better critique prompt; docs/evolving-prompts.md says what each key does. */
export const evolutionSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "a name has a-z, 0-9 and -, at most 40"),
    /** The recipe whose drafts, critiques and revisions are tried; relative to this file. */
    recipe: z.string().min(1),
    /** Values of the recipe by dotted path. */
    settings: z.record(z.string().min(1), z.unknown()).default({}),
    /** The critique prompt to start from. */
    prompt: promptName,
    seed: seed.default(1),
    /** Which tasks are drawn; that of the study in which the winner is to be an arm. */
    taskSeed: seed.default(1),
    /** Training tasks that prompts are bred on. */
    breed: whole(2, 10_000).default(40),
    /** Other training tasks, on which a winner has to win again. */
    prove: whole(2, 10_000).default(100),
    /** Breeding tasks on which a child must beat its parent before it is tried on all of them. */
    minibatch: whole(1, 1000).default(8),
    generations: whole(1, 1000).default(5),
    /** Proposals in one generation. */
    children: whole(1, 64).default(4),
    /** The best of the bred prompts that are tried on the proving tasks. */
    finalists: whole(1, 16).default(1),
    /** Chance of promoting a prompt that is no better, over all finalists (Holm). */
    alpha: z.number().gt(0).lt(0.5).default(0.05),
    /** How the next prompt is asked for. */
    reflect: z
      .strictObject({
        prompt: promptName.default("reflect"),
        /** Failures shown, at most. */
        failures: whole(1, 32).default(3),
        temperature: z.number().min(0).max(5).default(0.9),
        topP: z.number().gt(0).max(1).default(0.95),
        topK: whole(0, 100_000).default(40),
        minP: share.default(0),
        maxTokens: whole(1, 4096).default(320),
      })
      .prefault({}),
  })
  .refine(({ minibatch, breed }) => minibatch <= breed, {
    path: ["minibatch"],
    message: "more than there are tasks to breed on",
  });

export type EvolutionSpec = z.infer<typeof evolutionSchema>;

/** `breed`: prompts are chosen by it. `prove`: only the finalists are ever tried on it. */
export type TaskPurpose = "breed" | "prove";

/** An attempt at a task; critics are tried on at most one that is right and one that is wrong. */
export type EvolutionDraft = Attempt & { readonly tried: "right" | "wrong" | null };

/** Why a proposal was not tried. */
export type ProposalFault =
  /** Its parent has no failure on its minibatch, or none that fits the reflecting model's context. */
  | "unasked"
  | "cut off"
  | "empty"
  /** Its parent, or another candidate, word for word. */
  | "copy"
  | "variables"
  /** It does not ask for the fields that the parent's answer has. */
  | "form"
  /** It holds a task's reference, or a task. */
  | "leak"
  /** Too long, or anything else that `prompts lint` minds. */
  | "lint";

export interface Proposal {
  readonly id: string;
  readonly generation: number;
  readonly position: number;
  readonly parent: string;
  /** Ids of breeding tasks. */
  readonly minibatch: readonly string[];
  readonly callKey: string | null;
  /** null: it became a candidate. */
  readonly fault: ProposalFault | null;
  readonly reason: string | null;
}

/** A prompt that is tried: the ancestor, or a valid proposal, whose id it has. */
export interface CandidatePrompt {
  readonly id: string;
  readonly generation: number;
  readonly position: number;
  /** null: the ancestor. */
  readonly parent: string | null;
  readonly hash: string;
  /** The whole file. */
  readonly body: string;
}

/** What came of one draft after a candidate's critique. */
export interface Trial {
  readonly candidate: string;
  readonly draftId: string;
  readonly critiqueKey: string;
  readonly critique: string;
  readonly says: CritiqueVerdict | null;
  readonly revisionKey: string;
  readonly revision: string;
  readonly outcome: Outcome;
  readonly finding: string;
  /** Fitness on this draft, 0 to 1. */
  readonly score: number;
}

/** A child against its parent on the child's minibatch: mean fitness. */
export interface Match {
  readonly candidate: string;
  readonly parentScore: number;
  readonly childScore: number;
  readonly entered: boolean;
}

/** A finalist against the ancestor on the proving tasks. */
export interface Proof {
  readonly candidate: string;
  readonly position: number;
  readonly tasks: number;
  readonly better: number;
  readonly worse: number;
  /** Interval of (better - worse) / tasks. */
  readonly low: number;
  readonly high: number;
  /** One-sided, and adjusted for all finalists (Holm). */
  readonly p: number;
  readonly pAdjusted: number;
  readonly won: boolean;
  /** Of the prompt's file, relative to the workspace; null where it did not win. */
  readonly path: string | null;
}

/** The ancestor's id among candidates. */
export const ancestorId = "start";
