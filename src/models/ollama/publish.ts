import type { Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { openVocabulary } from "../remote/vocabulary.js";
import { carriedOver } from "./carried-over.js";
import {
  blobName,
  createModel,
  type FullCreateRequest,
  type HashedFile,
  sendBlob,
} from "./create.js";
import { errand } from "./errand.js";
import { goTemplate } from "./go-template.js";
import { renderOnServer } from "./probe.js";
import { type OllamaServer, withTag } from "./server.js";
import { ServerTemplate } from "./server-template.js";

export interface Publication {
  readonly url: string;
  /** As the model will be called, with its tag. */
  readonly name: string;
  /** Base and adapter as one GGUF file. */
  readonly file: HashedFile;
  /** The model of this server that was trained; null where it was trained as a file. */
  readonly base: string | null;
}

/** Conversations that have to be written as in the training. */
const conversations: Message[][] = [
  [{ role: "user", content: "One?" }],
  [
    { role: "system", content: "Be brief." },
    { role: "user", content: "One?" },
    { role: "assistant", content: "Two." },
    { role: "user", content: "Three?" },
  ],
];

/**
 * Makes weights available in Ollama, with the prompts that they were trained on.
 *
 * @returns The digest of the model there.
 * @throws RedistillError `model` where there is no server, it refuses the file, or would write prompts
 * otherwise than the training did; then nothing is left behind.
 */
export function publish(publication: Publication, signal: AbortSignal): Promise<string> {
  const { url, name, file } = publication;
  return errand(url, `did not take ${name}`, signal, async (server) => {
    const { request, render } = await promptsOf(server, publication, signal);
    await sendBlob(server, file, signal);
    const files = { "model.gguf": blobName(file) };
    await createModel(server, { ...request, model: name, files }, signal);
    await requireSamePrompts(server, name, render, signal);
    return server.digestOf(name, signal);
  });
}

/** The digest of a model of a server; null where it is not there. */
export function publishedDigest(
  url: string,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  return errand(url, "does not list its models", signal, async (server) => {
    return (await server.models(signal)).get(withTag(name)) ?? null;
  });
}

/**
 * Takes models away from a server.
 *
 * @returns Those of `names` that were there.
 * @throws RedistillError `model`
 */
export function unpublish(
  url: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  return errand(url, "did not remove all models", signal, async (server) => {
    const there = await server.models(signal);
    const removed = names.filter((name) => there.has(withTag(name)));
    for (const name of removed) await server.remove(name, signal);
    return removed;
  });
}

interface Prompts {
  readonly request: Partial<FullCreateRequest>;
  /** Null where it is not known. */
  render(messages: readonly Message[]): Promise<string | null>;
}

async function promptsOf(
  server: OllamaServer,
  { base, file }: Publication,
  signal: AbortSignal,
): Promise<Prompts> {
  if (base !== null) {
    return {
      request: carriedOver(await server.describe(base, signal)),
      render: (messages) => onServer(server, base, messages, signal),
    };
  }
  const vocabulary = await openVocabulary(file.path);
  try {
    const { template } = vocabulary;
    const render = async (messages: readonly Message[]) => template?.render(messages) ?? null;
    const learned = await ServerTemplate.learn(render);
    const request =
      learned instanceof ServerTemplate ? { template: goTemplate(learned.joints) } : {};
    return { request, render };
  } finally {
    await vocabulary.dispose();
  }
}

async function requireSamePrompts(
  server: OllamaServer,
  name: string,
  render: Prompts["render"],
  signal: AbortSignal,
): Promise<void> {
  for (const messages of conversations) {
    const trained = await render(messages);
    const served = await onServer(server, name, messages, signal);
    if (trained === null || served === null || trained === served) continue;
    await server.remove(name, signal);
    throw new RedistillError(
      "model",
      `Ollama would write ${name}'s prompts as ${JSON.stringify(served.slice(0, 300))}, and it was trained on ${JSON.stringify(trained.slice(0, 300))}`,
      "It was removed again. Export the model with `redistill export` and write its TEMPLATE by hand.",
    );
  }
}

function onServer(
  server: OllamaServer,
  model: string,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<string | null> {
  return renderOnServer(server, { model, contextTokens: 512, keepAlive: "5m" }, messages, signal);
}
