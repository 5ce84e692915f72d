import { initChatModel } from "langchain/chat_models/universal";
import type { CallRequest, Generation, Message, Sampling } from "../../core/entities.js";
import { messageOf, RedistillError } from "../../core/errors.js";
import { canonicalJson, sha256 } from "../../core/hash.js";
import type { ServedSettings } from "../../core/model.js";
import { redact, registerSecret } from "../../core/secrets.js";
import {
  type Endpoint,
  type EndpointContext,
  EndpointFault,
  type EndpointIdentity,
  type OpenEndpoint,
  type Watch,
} from "../remote/endpoint.js";
import { mostTokens } from "../remote/vocabulary.js";
import { asFault } from "./faults.js";
import { roleByRole, toLangChain } from "./messages.js";
import { generationOf, readStream } from "./read-stream.js";

export type LangChainSettings = Extract<ServedSettings, { provider: "langchain" }>;

type Model = Awaited<ReturnType<typeof initChatModel>>;

/** Whether key and name are right; long enough for a model that thinks a little first. */
const short: CallRequest = {
  messages: [{ role: "user", content: "Say a word." }],
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 64, seed: 1 },
};

/**
 * Any chat model that LangChain's `initChatModel` makes of a name such as `anthropic:claude-…`. For a
 * teacher, critic or judge: it takes no adapter, and what answers behind the name can change unseen.
 *
 * @throws RedistillError `setup` where the provider's package is not installed; `usage` where the
 *   options hold a secret; `model` where LangChain does not know the name or misses a key.
 */
export const openLangChain: OpenEndpoint<LangChainSettings> = async (settings, context) => {
  refuseSecrets(settings.options);
  hideKeys(process.env);
  const endpoint = new LangChainEndpoint(settings, context);
  await endpoint.modelFor(short.sampling);
  return endpoint;
};

class LangChainEndpoint implements Endpoint {
  /** By sampling: providers take it when a model is made, not when it is asked. */
  private readonly models = new Map<string, Promise<Model>>();

  constructor(
    private readonly settings: LangChainSettings,
    private readonly context: EndpointContext,
  ) {}

  async identify(signal: AbortSignal): Promise<EndpointIdentity> {
    const { name, options } = this.settings;
    try {
      await this.answer(short, null, { signal, onTokens() {} });
    } catch (error) {
      if (!(error instanceof EndpointFault)) throw error;
      throw new RedistillError(
        "model",
        `${name} (langchain): ${error.message}`,
        "Check `name`, the key that `apiKey` names or the provider's own variable holds, and the account.",
        { cause: error },
      );
    }
    return {
      digest: sha256({ provider: "langchain", name, options }),
      description: `${name} by LangChain`,
      capabilities: { adapters: false, deterministic: false, schema: false, topLogprobs: 0 },
      contextTokens: null,
    };
  }

  async answer(request: CallRequest, _adapter: null, watch: Watch): Promise<Generation> {
    const started = performance.now();
    const { messages, sampling } = request;
    const model = await this.modelFor(sampling);
    try {
      const options = { signal: watch.signal, seed: sampling.seed };
      const heard = await readStream(await model.stream(toLangChain(messages), options), watch);
      return await generationOf(heard, this.render(messages), started, this.countTokens);
    } catch (error) {
      throw asFault(error, watch.signal);
    }
  }

  render(messages: readonly Message[]): string {
    return roleByRole(messages);
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map(mostTokens);
  }

  async dispose(): Promise<void> {}

  modelFor({ seed: _seed, ...sampling }: Sampling): Promise<Model> {
    const key = canonicalJson(sampling);
    const made = this.models.get(key) ?? this.make(sampling);
    this.models.set(key, made);
    return made;
  }

  private async make({ temperature, topP, topK, maxTokens }: Omit<Sampling, "seed">) {
    const { name, options } = this.settings;
    const { apiKey } = this.context;
    try {
      return await initChatModel(name, {
        temperature,
        // Off is left out: some models refuse it beside a temperature.
        ...(topP < 1 ? { topP } : {}),
        ...(topK > 0 ? { topK } : {}),
        // The same by the names that providers have for it.
        ...{ maxTokens, maxOutputTokens: maxTokens, numPredict: maxTokens },
        ...options,
        ...(apiKey === null ? {} : { apiKey }),
        maxRetries: 0,
      });
    } catch (error) {
      throw unusable(name, error);
    }
  }
}

function unusable(name: string, cause: unknown): RedistillError {
  const said = redact(messageOf(cause));
  const missing = /Unable to import (\S+?)\.? /.exec(said)?.[1];
  if (missing !== undefined) {
    return new RedistillError(
      "setup",
      `${name} needs the package ${missing}, which is not installed`,
      `Install it beside redistill, then run the command again: npm install ${missing}`,
      { cause },
    );
  }
  return new RedistillError(
    "model",
    `LangChain cannot make a chat model of ${name}: ${said.slice(0, 500)}`,
    "Names are `provider:model`; a key comes from `apiKey: { env: NAME }` or the provider's own variable.",
    { cause },
  );
}

/** Recipes are copied into the database and shown. */
function refuseSecrets(options: Readonly<Record<string, unknown>>): void {
  const text = canonicalJson(options);
  const found = /"([^"]*(?:api_?key|secret|password|credential|authorization)[^"]*)":/i.exec(text);
  if (found === null) return;
  throw new RedistillError(
    "usage",
    `options.${found[1]}: a secret is never in a recipe`,
    "Name its place in `apiKey: { env: NAME }` or `{ file: path }`, or set the provider's own variable.",
  );
}

/** Providers' packages read keys themselves; from now on no text shows one. */
function hideKeys(environment: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(environment)) {
    if (/_API_KEY$/.test(name) && value) registerSecret(value.trim());
  }
}
