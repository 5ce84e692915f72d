import type { Adapter, CallRequest, Generation, Message } from "../../src/core/entities.js";
import { messageOf, RedistillError } from "../../src/core/errors.js";
import {
  type Endpoint,
  EndpointFault,
  type EndpointIdentity,
  type Watch,
} from "../../src/models/remote/endpoint.js";
import { promptText } from "./model-server.js";

/** The client of model-server.ts. */
export class HttpEndpoint implements Endpoint {
  constructor(
    private readonly url: string,
    private readonly known: Partial<EndpointIdentity> = {},
  ) {}

  async identify(signal: AbortSignal): Promise<EndpointIdentity> {
    const response = await fetch(`${this.url}/identity`, { signal }).catch((cause) => {
      signal.throwIfAborted();
      throw new RedistillError("model", `no server at ${this.url}`, "Start it.", { cause });
    });
    const { digest } = (await response.json()) as { digest: string };
    return {
      digest,
      description: "the tests' server",
      capabilities: { adapters: true, deterministic: true, schema: false, topLogprobs: 0 },
      contextTokens: null,
      countsExactly: true,
      ...this.known,
    };
  }

  async answer(request: CallRequest, adapter: Adapter | null, watch: Watch): Promise<Generation> {
    const startedAt = performance.now();
    const { signal } = watch;
    try {
      const body = JSON.stringify({ request, adapter: adapter?.sha256 ?? null });
      const response = await fetch(`${this.url}/answer`, { method: "POST", body, signal });
      if (!response.ok) throw faultOf(response, await response.text());
      return { ...(await read(response, watch)), durationMs: performance.now() - startedAt };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EndpointFault || error instanceof RedistillError) throw error;
      throw new EndpointFault("unavailable", messageOf(error), null, { cause: error });
    }
  }

  render(messages: readonly Message[]): string {
    return promptText({ messages });
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => text.split(/\s+/).length);
  }

  async dispose(): Promise<void> {}
}

function faultOf({ status, headers }: Response, text: string): EndpointFault | RedistillError {
  const after = headers.get("retry-after");
  const retryAfterMs = after === null ? null : Number(after) * 1000;
  if (status === 401) return new RedistillError("model", "the key is refused", "Check apiKey.");
  if (status === 429 || status === 503) return new EndpointFault("busy", text, retryAfterMs);
  return new EndpointFault(status >= 500 ? "unavailable" : "refused", text, retryAfterMs);
}

async function read(response: Response, watch: Watch): Promise<Omit<Generation, "durationMs">> {
  const decoder = new TextDecoder();
  let [text, rest] = ["", ""];
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() as string;
    for (const line of lines.map((each) => JSON.parse(each))) {
      if (line.error) throw new EndpointFault("unavailable", `an error line: ${line.error}`);
      if (line.done) {
        const { promptTokens, completionTokens } = line;
        const counts = { promptTokens, evaluatedPromptTokens: promptTokens, completionTokens };
        return { text, stopReason: "end", ...counts };
      }
      text += line.token;
      watch.onTokens(1);
    }
  }
  throw new EndpointFault("unavailable", "the stream ended before the answer did");
}
