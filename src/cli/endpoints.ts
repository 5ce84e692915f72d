import type { ServedSettings } from "../core/model.js";
import { openLangChain } from "../models/langchain/endpoint.js";
import { openOpenAI } from "../models/openai/endpoint.js";
import type { OpenEndpoint } from "../models/remote/endpoint.js";

type Endpoints = {
  readonly [Provider in ServedSettings["provider"]]: OpenEndpoint<
    Extract<ServedSettings, { provider: Provider }>
  >;
};

/** How the endpoint of each provider is made; another provider is a line here and one in `core/model.ts`. */
const byProvider: Partial<Endpoints> = { openai: openOpenAI, langchain: openLangChain };

/** The same for settings whose provider is not known to the compiler. */
export const endpoints = byProvider as Readonly<
  Partial<Record<ServedSettings["provider"], OpenEndpoint<ServedSettings>>>
>;
