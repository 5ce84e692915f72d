import type { EmbedderSettings } from "../../core/embedder.js";
import { RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import type { EndpointFault } from "../remote/endpoint.js";
import type { Patience } from "../remote/patience.js";
import { ServedEmbedder } from "../remote/served-embedder.js";
import { OllamaServer, withTag } from "./server.js";

type Settings = Extract<EmbedderSettings, { provider: "ollama" }>;

/**
 * A model for embeddings of an Ollama server, by `/api/embed`; a text that is too long for it is cut at its end there.
 *
 * @param patience Replaceable in tests.
 * @throws RedistillError `model` for a server that is absent or has no model of that name.
 */
export async function openOllamaEmbedder(
  { name, url }: Settings,
  signal: AbortSignal,
  patience?: Omit<Patience, "firstTokenMs" | "nextTokenMs">,
): Promise<{ embedder: ServedEmbedder; close(): Promise<void> }> {
  const server = new OllamaServer(url);
  const model = withTag(name);
  try {
    const version = await server.version(signal);
    const digest = await server.digestOf(model, signal);
    const embedder = new ServedEmbedder(
      {
        digest: sha256({ ollama: version, model: digest, vector: "api/embed" }),
        description: `${name} (${digest.slice(0, 12)}) on Ollama ${version}`,
        ask: async (texts, until) => {
          const input = [...texts];
          return (await server.ask(until, (client) => client.embed({ model, input }))).embeddings;
        },
        explain: (fault) => explained(fault, settingsText(name, url)),
      },
      patience,
    );
    return { embedder, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

const settingsText = (name: string, url: string) => `longTerm.embedder: ${name} at ${url}`;

function explained(fault: EndpointFault, what: string): RedistillError {
  return new RedistillError(
    "model",
    `${what}: ${fault.message}`,
    fault.trouble === "refused"
      ? "Is it a model for embeddings? Name one that is, or set longTerm.retrieval: text."
      : "See that Ollama runs, then resume the run; or set longTerm.retrieval: text.",
    { cause: fault },
  );
}
