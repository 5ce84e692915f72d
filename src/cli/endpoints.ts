import type { ServedSettings } from "../core/model.js";
import type { OpenEndpoint } from "../models/remote/endpoint.js";

type Endpoints = {
  readonly [Provider in ServedSettings["provider"]]: OpenEndpoint<
    Extract<ServedSettings, { provider: Provider }>
  >;
};

/**
 * How the endpoint of each provider is made; another provider is an entry here and one in
 * `core/model.ts`. Each is loaded by those commands only that need it.
 */
const byProvider: Endpoints = {
  ollama: async (settings, context) => {
    const { openOllama } = await import("../models/ollama/endpoint.js");
    return openOllama(settings, context);
  },
  openai: async (settings, context) => {
    const { openOpenAI } = await import("../models/openai/endpoint.js");
    return openOpenAI(settings, context);
  },
  langchain: async (settings, context) => {
    const { openLangChain } = await import("../models/langchain/endpoint.js");
    return openLangChain(settings, context);
  },
};

/** The same for settings whose provider is not known to the compiler. */
export const endpoints = byProvider as Readonly<
  Record<ServedSettings["provider"], OpenEndpoint<ServedSettings>>
>;
