import { RedistillError } from "../core/errors.js";
import { embedsItself } from "../core/long-term.js";
import type { ChatModel, Embedder } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { readSecret } from "../files/read-secret.js";
import type { Output } from "./output.js";

/** What makes the vectors of a run; null where its recipe wants none. */
export interface OpenEmbedder {
  readonly embedder: Embedder | null;
  close(): Promise<void>;
}

/**
 * What makes the vectors that a recipe's lessons are found by: a model of a server, or the student itself.
 *
 * @throws RedistillError for a server that is absent, a wrong key or name, a model that makes none.
 */
export async function openEmbedder(
  { longTerm }: Pick<Recipe, "longTerm">,
  student: ChatModel,
  output: Output,
  signal: AbortSignal,
): Promise<OpenEmbedder> {
  const none = { embedder: null, close: async () => {} };
  if (longTerm?.retrieval !== "embedding") return none;
  if (embedsItself(longTerm)) return { ...none, embedder: ownOf(student) };
  const settings = longTerm.embedder!;
  if (settings.provider === "ollama") {
    const { openOllamaEmbedder } = await import("../models/ollama/embedder.js");
    return openOllamaEmbedder(settings, signal);
  }
  const { apiKey } = settings;
  const note = (text: string) => output.note(text);
  const key = apiKey && readSecret(apiKey, "longTerm.embedder.apiKey", note);
  const { openOpenAIEmbedder } = await import("../models/openai/embedder.js");
  return openOpenAIEmbedder(settings, key, signal);
}

function ownOf(student: ChatModel): Embedder {
  if (student.embedder !== undefined) return student.embedder;
  throw new RedistillError(
    "model",
    `${student.description} makes no vectors of texts`,
    "Name a model that does in longTerm.embedder, or set longTerm.retrieval: text.",
  );
}
