import { modelSchema } from "../../src/core/model.js";
import { type OpenAISettings, openOpenAI } from "../../src/models/openai/endpoint.js";
import type { Endpoint, EndpointContext } from "../../src/models/remote/endpoint.js";

export const openAISettings = (url: string, more: object = {}): OpenAISettings =>
  modelSchema.parse({ provider: "openai", name: "river-1", url, ...more }) as OpenAISettings;

/** An endpoint that was not asked yet, and what it told people. */
export async function endpointAt(
  url: string,
  more: object = {},
  context: Partial<EndpointContext> = {},
): Promise<{ endpoint: Endpoint; notices: string[] }> {
  const notices: string[] = [];
  const endpoint = await openOpenAI(openAISettings(url, more), {
    ...{ apiKey: null, weights: null, signal: AbortSignal.timeout(60_000) },
    onNotice: (text) => notices.push(text),
    ...context,
  });
  return { endpoint, notices };
}

/** Nobody stops it, nobody listens. */
export const quietly = () => ({ signal: AbortSignal.timeout(60_000), onTokens() {} });
