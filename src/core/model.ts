import { z } from "zod";
import { secretSourceSchema } from "./secrets.js";

/** The models of a recipe: weights on this machine, or a server that answers. */

const place = {
  /** Tokens that one sequence can hold: prompt and answer together. */
  contextTokens: z.number().int().min(128).max(131_072).default(1024),
  /** Answers written side by side: sequences of the engine, requests under way at a server. */
  sequences: z.number().int().min(1).max(256).default(16),
};

/** What every server has. */
const served = {
  /** As the server calls it. */
  name: z.string().min(1).max(500),
  /**
   * The weights that the server runs, as a GGUF file on this machine, or `default`: what is trained, and whose
   * template and tokenizer are read. Without it only `retrain.method: memory` can teach this model.
   */
  weights: z.string().min(1).nullable().default(null),
  /** Longest silence, in seconds: before the first token of an answer, and between two of them. */
  firstTokenSeconds: z.number().gt(0).max(86_400).default(300),
  nextTokenSeconds: z.number().gt(0).max(86_400).default(60),
  ...place,
};

/** Of a server. */
export const address = z
  .url({ protocol: /^https?$/, error: "an address that begins with http:// or https://" })
  .max(2048)
  .refine((text) => !/^[a-z]+:\/\/[^/]*@/i.test(text), "an address without a name or password");

/** Where Ollama listens unless it is told otherwise. */
export const ollamaUrl = "http://127.0.0.1:11434";

/** Further servers with the very same model; requests go to all of them in turn. */
const moreUrls = z.array(address).max(64).default([]);

export const modelSchema = z.discriminatedUnion("provider", [
  z.strictObject({
    provider: z.literal("embedded").default("embedded"),
    /** `default` or the path of a GGUF file. */
    path: z.string().min(1).default("default"),
    ...place,
    /** CPU threads; 0 takes the number of cores that do arithmetic. */
    threads: z.number().int().min(0).max(1024).default(0),
  }),
  z.strictObject({
    provider: z.literal("ollama"),
    ...served,
    url: address.default(ollamaUrl),
    moreUrls,
    /** How long the server keeps the model in memory after an answer, in its own words. */
    keepAlive: z.string().max(20).default("30m"),
  }),
  z.strictObject({
    provider: z.literal("openai"),
    ...served,
    url: address.default("https://api.openai.com/v1"),
    moreUrls,
    apiKey: secretSourceSchema.nullable().default(null),
    /** How trained adapters get to the server; `none` where its weights cannot be changed. */
    adapters: z.enum(["none", "vllm", "llama-server"]).default("none"),
  }),
  z.strictObject({
    provider: z.literal("langchain"),
    ...served,
    /** Passed on to LangChain's `initChatModel`; no secrets. */
    options: z.record(z.string(), z.unknown()).default({}),
    apiKey: secretSourceSchema.nullable().default(null),
  }),
]);

export type ModelSettings = z.infer<typeof modelSchema>;
export type EmbeddedSettings = Extract<ModelSettings, { provider: "embedded" }>;
export type ServedSettings = Exclude<ModelSettings, { provider: "embedded" }>;

/** Who does what in a round. The student is the recipe's `model`; the others are it, too, unless named. */
export const roles = ["student", "teacher", "critic", "judge", "coach"] as const;
export type Role = (typeof roles)[number];

/** Something for each role. */
export function eachRole<T>(value: (role: Role) => T): Record<Role, T> {
  return Object.fromEntries(roles.map((role) => [role, value(role)])) as Record<Role, T>;
}

export const rolesSchema = z
  .strictObject({
    /** Writes attempts and revisions. */
    teacher: modelSchema.optional(),
    critic: modelSchema.optional(),
    /** Says which of two answers is better, and grades by rubric. */
    judge: modelSchema.optional(),
    /** Proposes what the next round should do. */
    coach: modelSchema.optional(),
  })
  .default({});

/** The parts of a recipe that name models. */
export interface NamesModels {
  readonly model: ModelSettings;
  readonly roles: Readonly<Partial<Record<Role, ModelSettings | undefined>>>;
}

/** The model of a role, which is the student's unless the recipe names another. */
export function modelOf({ model, roles: own }: NamesModels, role: Role): ModelSettings {
  return own[role] ?? model;
}

/** Whether a role has a model of its own: that one never answers with the student's adapter. */
export function hasOwnModel({ roles: own }: NamesModels, role: Role): boolean {
  return own[role] !== undefined;
}

/** As prices and reports call a model: the path of its file, or its name at the server. */
export function modelName(model: ModelSettings): string {
  return model.provider === "embedded" ? model.path : model.name;
}

/** The weights' file (`default` for the default ones), where there is one on this machine. */
export function weightsOf(model: ModelSettings): string | null {
  return model.provider === "embedded" ? model.path : model.weights;
}

/** What answered in a role, as a run remembers it. */
export interface ModelIdentity {
  readonly digest: string;
  readonly description: string;
}

/** By role; one that is absent is the student. */
export type RoleIdentities = Readonly<Partial<Record<Role, ModelIdentity>>>;
