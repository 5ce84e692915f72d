import type { Generation } from "../../../src/core/entities.js";
import { modelSchema } from "../../../src/core/model.js";
import { type OllamaSettings, openOllama } from "../../../src/models/ollama/endpoint.js";
import type { Endpoint, EndpointContext } from "../../../src/models/remote/endpoint.js";

export const never: AbortSignal = new AbortController().signal;

/** Settings as a recipe would give them. */
export function settingsOf(url: string, more: Partial<OllamaSettings> = {}): OllamaSettings {
  const given = { provider: "ollama", name: "small", contextTokens: 512, sequences: 2, url };
  return modelSchema.parse({ ...given, ...more }) as OllamaSettings;
}

/** An endpoint that knows its server, with the notices that it gave. */
export async function identified(
  settings: OllamaSettings,
  more: Partial<EndpointContext> = {},
): Promise<{ endpoint: Endpoint; notices: string[] }> {
  const notices: string[] = [];
  const onNotice = (text: string) => notices.push(text);
  const context = { apiKey: null, weights: null, signal: never, onNotice, ...more };
  const endpoint = await openOllama(settings, context);
  await endpoint.identify(never);
  return { endpoint, notices };
}

/** One answer, by its prompt. */
export function askOne(
  endpoint: Endpoint,
  request: Parameters<Endpoint["answer"]>[0],
  adapter: Parameters<Endpoint["answer"]>[1] = null,
  signal: AbortSignal = never,
): Promise<Generation> {
  return endpoint.answer(request, adapter, { signal, onTokens() {} });
}
