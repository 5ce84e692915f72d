import type { Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { mostTokens, openVocabulary, type Vocabulary } from "../remote/vocabulary.js";
import type { HashedFile } from "./create.js";
import { type Abilities, probe, renderOnServer } from "./probe.js";
import type { Target } from "./request.js";
import { hasAdapter, weightsFileOf } from "./served-weights.js";
import type { ModelDescription, OllamaServer } from "./server.js";
import { ServerTemplate } from "./server-template.js";

/** What was found out of a model when it was opened, beside its digest. */
export interface Opened {
  readonly abilities: Abilities;
  /** Tokens that prompt and answer may have together, as the server has loaded it. */
  readonly contextTokens: number | null;
  /** The prompt as the server writes it; `exact` says whether that is known. */
  readonly rendering: { readonly exact: boolean; render(messages: readonly Message[]): string };
  readonly tokens: { readonly exact: boolean; count(text: string): number };
  /** Requests to send at once: what was found, or all that the recipe wants where that many were not tried. */
  readonly parallel: number;
  /** Where the model really runs, if that is another server. */
  readonly elsewhere: string | null;
  dispose(): Promise<void>;
}

export interface Opening {
  readonly server: OllamaServer;
  readonly target: Target;
  /** Requests that the recipe wants side by side. */
  readonly sequences: number;
  /** The recipe's GGUF file, if it names one. */
  readonly weights: HashedFile | null;
  readonly signal: AbortSignal;
}

/** More requests at once than this are not tried out when a model is opened. */
const mostTried = 16;

/** @throws RedistillError `model` for a model that cannot be used as the recipe wants it. */
export async function open(opening: Opening): Promise<Opened> {
  const { server, target, signal } = opening;
  const description = await server.describe(target.model, signal);
  requireUsable(description, opening);
  const vocabulary = opening.weights ? await openVocabulary(opening.weights.path) : null;
  try {
    const rendering = await renderingOf(opening, vocabulary);
    const most = Math.min(opening.sequences, mostTried);
    const abilities = await probe(server, target, most, signal);
    return {
      abilities,
      contextTokens: await contextOf(description, opening),
      rendering,
      tokens: tokensOf(vocabulary, rendering, abilities),
      parallel: abilities.parallel < most ? abilities.parallel : opening.sequences,
      elsewhere: description.remote_host || null,
      dispose: async () => vocabulary?.dispose(),
    };
  } catch (error) {
    await vocabulary?.dispose();
    throw error;
  }
}

function requireUsable(description: ModelDescription, { target, weights }: Opening): void {
  const can = (description as { capabilities?: string[] }).capabilities;
  if (can !== undefined && !can.includes("completion")) {
    throw new RedistillError(
      "model",
      `${target.model} writes no text: it can ${can.join(", ") || "do nothing"}`,
      "Name a model for chat; `ollama show` says what one can do.",
    );
  }
  if (weights === null) return;
  const served = weightsFileOf(description);
  if (served !== null && served.sha256 !== weights.sha256) {
    throw new RedistillError(
      "usage",
      `${weights.path} is not the file that ${target.model} runs: its sha256 is ${weights.sha256.slice(0, 12)}…, the server's ${served.sha256.slice(0, 12)}…`,
      "An adapter fits the very weights that it was trained on. Leave `weights` out to have the server's own file found, or copy it here.",
    );
  }
  if (hasAdapter(description)) {
    throw new RedistillError(
      "usage",
      `${target.model} has an adapter on its weights already, which a training would not see`,
      "Name the model that it was made from.",
    );
  }
}

/** From the server's own rendering, else from the file's template, which may differ from the server's. */
async function renderingOf(
  { server, target, signal }: Opening,
  vocabulary: Vocabulary | null,
): Promise<Opened["rendering"]> {
  const onServer = (messages: readonly Message[]) =>
    renderOnServer(server, target, messages, signal);
  const learned = await ServerTemplate.learn(onServer);
  if (learned instanceof ServerTemplate) {
    return { exact: true, render: (messages) => learned.render(messages) };
  }
  const file = vocabulary?.template ?? null;
  if (file !== null) return { exact: false, render: (messages) => file.render(messages) };
  return {
    exact: false,
    render: (messages) => messages.map(({ role, content }) => `${role}: ${content}\n`).join(""),
  };
}

/** Exact where the file's tokenizer gives what the server reports, a token at the beginning apart. */
function tokensOf(
  vocabulary: Vocabulary | null,
  rendering: Opened["rendering"],
  { sample }: Abilities,
): Opened["tokens"] {
  if (vocabulary === null) return { exact: false, count: mostTokens };
  const before = sample.promptTokens - vocabulary.count(rendering.render(sample.messages));
  const exact = rendering.exact && (before === 0 || before === 1);
  return { exact, count: (text) => vocabulary.count(text) + (exact ? before : 1) };
}

/** Ollama gives a model fewer tokens than it was asked for where that has no more. */
async function contextOf(
  description: ModelDescription,
  { server, target, signal }: Opening,
): Promise<number | null> {
  const info = Object.entries(description.model_info ?? {});
  const most = info.find(([key]) => key.endsWith(".context_length"))?.[1] as unknown;
  const { models } = await server.ask(signal, (client) => client.ps());
  const loaded = (models ?? []).find(({ name }) => name === target.model) as
    | { context_length?: number }
    | undefined;
  const known = [most, loaded?.context_length].filter((each) => typeof each === "number");
  if (known.length === 0) return null;
  return Math.min(...(known as number[]));
}
