import type {
  Adapter,
  CallRequest,
  Completion,
  Generation,
  Message,
  Task,
  TokenLogprob,
  Verdict,
} from "./entities.js";
import type { Role } from "./model.js";
import type { TrainedMethod } from "./retrain.js";

/** What the loop needs of a model. Every implementation passes tests/contract/chat-model.ts. */
export interface ChatModel {
  /** Hash of everything behind the name that could change an answer: weights, template, engine. */
  readonly digest: string;
  readonly description: string;
  readonly capabilities: ModelCapabilities;
  /**
   * Answers every request, sharing prefixes and batching as it can; `onResult` is called once per
   * request as soon as its answer is complete, in any order. Requests are taken up in their order,
   * at most `width` side by side, so that those under way are the first ones without an answer.
   *
   * @throws EngineFault when the engine died or hung; a later call starts it again.
   */
  sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void>;
  /** The prompt as text, special tokens included, up to where the assistant's answer begins. */
  render(messages: readonly Message[]): string;
  /** The length of each text, in tokens. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /** Vectors by the model's own base weights, where it can give them. */
  readonly embedder?: Embedder;
  dispose(): Promise<void>;
}

/** Makes vectors of texts: near ones are of texts that are alike. */
export interface Embedder {
  /** Hash of everything that could change a vector: weights, how they are read, engine or server. */
  readonly digest: string;
  readonly description: string;
  /**
   * A vector of length 1 for each text, in their order, all of one size. A text that is longer than the model takes
   * may be cut at its end.
   *
   * @throws EngineFault, or RedistillError `model` for a server that gives none.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
}

/** The model of each role; all the same one where the recipe names no other. */
export type RoleModels = Readonly<Record<Role, ChatModel>>;

/** What a model can do beside answering; probed when it is opened, never assumed. */
export interface ModelCapabilities {
  /** Answers with trained weights: `SampleOptions.adapter` may be other than null. */
  readonly adapters: boolean;
  /** The same request has the same answer. */
  readonly deterministic: boolean;
  /** Holds an answer to `CallRequest.schema`. */
  readonly schema: boolean;
  /**
   * Holds an answer to a bounded schema by a grammar, whatever `schema` says. Only the coach asks for it: requests of
   * critics and others, and with them the keys of calls that runs have paid for, stay what they are.
   */
  readonly grammar?: true;
  /** The most alternatives whose log-probability it gives for a token; 0: it gives none. */
  readonly topLogprobs: number;
}

export interface SampleOptions {
  readonly adapter: Adapter | null;
  readonly signal: AbortSignal;
  /** Answers written side by side, where that is less than the model can. */
  readonly width?: number;
  /** Once aborted, no further request is begun; those that were are finished, and `sample` resolves. */
  readonly drain?: AbortSignal;
  onResult(index: number, generation: Generation): void;
  /**
   * The request at this place will have no answer from this model, whoever asks again: a server
   * refuses it, cuts its prompt or breaks at it each time. Called at most once, instead of `onResult`.
   */
  onGivenUp?(index: number, why: GivenUp): void;
  /** Something that the morning should know: a server went away, came back, wants fewer requests. */
  onNotice?(text: string): void;
  /** Called as the work goes on with the number of tokens sampled since; 0 after a prompt was read. */
  onTokens?(count: number): void;
}

/** Why a request has no answer. */
export interface GivenUp {
  /** `refused`: the server does not take it, as it is set up. `failed`: the server broke at it each time. */
  readonly how: "refused" | "failed";
  readonly reason: string;
}

/** Answers of one stage, from the cache where they were paid for before. */
export type Complete = (
  requests: readonly CallRequest[],
  adapter: Adapter | null,
) => Promise<Completion[]>;

/** Checks answers; one verdict per pair, in order. */
export type Verify = (items: readonly { task: Task; answer: string }[]) => Promise<Verdict[]>;

/** A training example as text: the prompt exactly as the engine renders it, and the answer alone. */
export interface RenderedExample {
  readonly prompt: string;
  readonly completion: string;
  /** How much it counts beside the others; 1 where it is absent. */
  readonly weight?: number;
}

/** Two answers to one prompt, of which the first is better. */
export interface RenderedPair {
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** An answer and whether it is right. */
export interface RenderedLabel {
  readonly prompt: string;
  readonly completion: string;
  readonly label: boolean;
}

/** Several answers to one prompt, with their scores. */
export interface RenderedRanking {
  readonly prompt: string;
  readonly completions: readonly string[];
  readonly rewards: readonly number[];
}

/** One question as student and teacher see it, with a right answer where there is one. */
export interface RenderedView {
  readonly prompt: string;
  readonly teacherPrompt: string;
  readonly completion?: string;
}

/** A right answer with what the model that wrote it thought of each token and of others in its place. */
export interface RenderedDistribution extends RenderedExample {
  readonly logprobs: readonly TokenLogprob[];
}

/** A question that the trainer asks the model itself; its answers are checked while it trains. */
export interface RenderedTask {
  readonly prompt: string;
  readonly task: Task;
}

/** The same with the teacher's prompts: text and the name of what is put in, by turns. */
export interface RenderedFeedback extends RenderedTask {
  /** Has places for `solution`. */
  readonly solved: readonly string[];
  /** Has places for `answer` and `finding`. */
  readonly told: readonly string[];
  /** A right answer that the round had. */
  readonly solution: string | null;
  /** What was said of answers that the round had. */
  readonly critiques: readonly (readonly [answer: string, critique: string])[];
}

/** By method; any method may have plain examples among its own: they are rehearsed. */
export type TrainingExample =
  | RenderedExample
  | RenderedPair
  | RenderedLabel
  | RenderedRanking
  | RenderedView
  | RenderedDistribution
  | RenderedTask
  | RenderedFeedback;

/** What to train: the examples, the weights to start from, and every number that matters. */
export interface TrainingJob {
  readonly method: TrainedMethod;
  /** What trains; torch where it is absent. */
  readonly trainer?: "mlx";
  /** All weights are trained; absent: an adapter. */
  readonly weights?: "full";
  readonly examples: readonly TrainingExample[];
  /** Settings that only this method has. */
  readonly options: Readonly<Record<string, number | string>>;
  readonly parent: Adapter | null;
  readonly seed: number;
  readonly settings: TrainingSettings;
}

export interface TrainingSettings {
  /** Of the adapter; absent where none is trained. */
  readonly rank?: number;
  readonly alpha?: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Real (unpadded) tokens per optimiser step, at most. */
  readonly tokensPerStep: number;
  readonly warmupRatio: number;
  /** Absent: the best that the trainer finds. */
  readonly device?: "cpu" | "cuda" | "mps";
}

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainingResult {
  readonly sha256: string;
  /** As an `Adapter` has them. */
  readonly ggufPath: string;
  readonly peftPath: string;
  readonly finalLoss: number | null;
  readonly tokens: number;
  readonly seconds: number;
  /** How often the reward model preferred the better answer of pairs that it had not learned from. */
  readonly rewardModel?: { readonly right: number; readonly pairs: number };
  /** What other settings than the job's it was trained with, and why; absent where there are none. */
  readonly eased?: string;
}

/** Writes a memory's file, once for each content; gives its path. */
export type Remember = (content: string) => Promise<string>;

/** (job, events, signal) → adapter. */
export type Train = (
  job: TrainingJob,
  options: { signal: AbortSignal; onProgress(progress: TrainingProgress): void },
) => Promise<TrainingResult>;
