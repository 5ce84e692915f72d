import type { Adapter, CallRequest, Generation, Message } from "../../core/entities.js";
import { sha256 } from "../../core/hash.js";
import type { ServedSettings } from "../../core/model.js";
import { ChatTemplate } from "../embedded/template.js";
import { statusOf } from "../langchain/faults.js";
import { roleByRole } from "../langchain/messages.js";
import { generationOf } from "../langchain/read-stream.js";
import {
  type Endpoint,
  type EndpointContext,
  EndpointFault,
  type EndpointIdentity,
  type OpenEndpoint,
  type Watch,
} from "../remote/endpoint.js";
import { mostTokens, openVocabulary, type Vocabulary } from "../remote/vocabulary.js";
import { LlamaServerAdapters, type ServerAdapters, VllmAdapters } from "./adapters.js";
import { chat } from "./chat.js";
import type { Dialect } from "./dialect.js";
import { explain } from "./explain.js";
import { ServerHttp } from "./http.js";
import { type Abilities, probe, question, shortest } from "./probe.js";
import { inspectServer, type ServerFacts, tokenizeThere } from "./server.js";

export type OpenAISettings = Extract<ServedSettings, { provider: "openai" }>;

/** How lengths that are counted here compare with those that the server reports. */
interface Measure {
  /** They are the same. */
  readonly exact: boolean;
  /** Tokens that the server's template puts around a prompt, where it is not known. */
  readonly overhead: number;
}

/**
 * Any server with OpenAI's chat API, asked through LangChain.
 *
 * @example
 * const endpoint = await openOpenAI(settings, { apiKey: null, weights: null, signal, onNotice: console.error });
 * const { digest } = await endpoint.identify(signal);
 */
export const openOpenAI: OpenEndpoint<OpenAISettings> = async (settings, context) => {
  const vocabulary = context.weights && (await openVocabulary(context.weights.path));
  return new OpenAIEndpoint(settings, context, vocabulary);
};

class OpenAIEndpoint implements Endpoint {
  private readonly http: ServerHttp;
  private readonly adapters: ServerAdapters | null;
  private readonly told = new Set<string>();
  // What was found out when the server was asked who it is; abilities once, the rest each time.
  private server: ServerFacts | null = null;
  private abilities: Abilities | null = null;
  private measure: Measure = { exact: false, overhead: 0 };

  constructor(
    private readonly settings: OpenAISettings,
    private readonly context: EndpointContext,
    private readonly vocabulary: Vocabulary | null,
  ) {
    this.http = new ServerHttp(settings.url, context.apiKey);
    this.adapters = adaptersFor(settings, this.http, () => this.server?.adapters ?? []);
  }

  async identify(signal: AbortSignal): Promise<EndpointIdentity> {
    const { url, name, adapters } = this.settings;
    let names: readonly string[] | null = null;
    try {
      const expected = adapters === "none" ? "unknown" : adapters;
      const server = await inspectServer(this.http, name, expected, signal);
      this.server = server;
      names = server.names;
      if (this.adapters instanceof VllmAdapters) await this.adapters.require(signal);
      const abilities = this.abilities ?? (await this.probe(signal));
      this.abilities = abilities;
      this.measure = await this.compare(server, abilities, signal);
      return this.identity(server, abilities);
    } catch (error) {
      signal.throwIfAborted();
      throw explain(error, { url, name, names, hasKey: this.context.apiKey !== null });
    }
  }

  async answer(request: CallRequest, adapter: Adapter | null, watch: Watch): Promise<Generation> {
    const { abilities } = this;
    if (abilities === null) throw new Error("an endpoint answers once it was identified");
    this.noticeIgnored(request, abilities);
    const started = performance.now();
    const chosen = (await this.adapters?.select(adapter, watch.signal)) ?? { extra: {} };
    const target = { name: this.settings.name, dialect: abilities.dialect, ...chosen };
    try {
      const heard = await chat(this.http, this.context.apiKey, target, request, watch);
      const prompt = this.render(request.messages);
      return await generationOf(heard, prompt, started, (texts) =>
        this.countTokens(texts, watch.signal),
      );
    } catch (error) {
      if (adapter === null || statusOf(error) !== 404) throw error;
      this.adapters?.forget(adapter);
      throw new EndpointFault("unavailable", "the server has lost the adapter", null, {
        cause: error,
      });
    } finally {
      this.adapters?.answered(adapter);
    }
  }

  render(messages: readonly Message[]): string {
    const template = this.vocabulary?.template ?? this.serverTemplate;
    return template?.render(messages) ?? roleByRole(messages);
  }

  async countTokens(texts: readonly string[], signal: AbortSignal): Promise<number[]> {
    const { vocabulary, server, measure } = this;
    if (vocabulary !== null) return texts.map((text) => vocabulary.count(text));
    const kind = server?.kind ?? "unknown";
    const counted = await tokenizeThere(this.http, kind, this.settings.name, texts, signal);
    return (counted ?? texts.map(mostTokens)).map((length) => length + measure.overhead);
  }

  async dispose(): Promise<void> {
    await this.adapters?.dispose();
    await this.http.close();
    await this.vocabulary?.dispose();
  }

  private get serverTemplate(): ChatTemplate | null {
    const source = this.server?.template;
    return source ? new ChatTemplate(source) : null;
  }

  private identity(server: ServerFacts, { dialect, topLogprobs }: Abilities): EndpointIdentity {
    const { settings, context } = this;
    const { kind, version, entry, template, parallel } = server;
    return {
      digest: sha256({
        ...{ provider: "openai", name: settings.name, entry, kind, version, dialect, template },
        // Requests say themselves which adapters answer, where those are ours.
        adapters: settings.adapters === "llama-server" ? [] : server.adapters,
        weights: context.weights?.sha256 ?? null,
      }),
      description: `${settings.name} at ${settings.url} (${[kind, version].filter(Boolean).join(" ")})`,
      capabilities: {
        adapters: this.adapters !== null,
        // Servers batch requests as they come, and a batch shows in the last bits of its answers.
        deterministic: false,
        schema: dialect.answerFormat === "json_schema",
        topLogprobs,
      },
      contextTokens: server.contextTokens,
      countsExactly: this.measure.exact,
      ...(parallel === null ? {} : { parallel }),
    };
  }

  private async probe(signal: AbortSignal): Promise<Abilities> {
    const abilities = await probe((request, dialect) => this.plain(request, dialect, signal));
    if (!abilities.samples) {
      this.notice(
        `${this.settings.name} gives one answer for two seeds at temperature 1.5: several tries at a task would be one (docs/models.md).`,
      );
    }
    return abilities;
  }

  /** Asks the shortest question: whether key and name are right, and how long its prompt is there. */
  private async compare(
    server: ServerFacts,
    { dialect, leastTokens }: Abilities,
    signal: AbortSignal,
  ): Promise<Measure> {
    const { promptTokens } = await this.plain(shortest(leastTokens), dialect, signal);
    this.measure = { exact: false, overhead: 0 };
    const [counted = 0] = await this.countTokens([this.render(question)], signal);
    const templateKnown = Boolean(this.vocabulary?.template ?? server.template);
    if (templateKnown && promptTokens === counted) return { exact: true, overhead: 0 };
    if (promptTokens === null) return { exact: false, overhead: 0 };
    if (templateKnown) {
      this.notice(
        `${this.settings.name} reads a prompt of ${promptTokens} tokens where its template makes ${counted}: is it the same model, with the same template? What is trained would not be what is asked.`,
      );
    }
    return { exact: false, overhead: Math.max(0, promptTokens - counted) };
  }

  private async plain(request: CallRequest, dialect: Dialect, signal: AbortSignal) {
    const { extra } = (await this.adapters?.select(null, signal)) ?? { extra: {} };
    const target = { name: this.settings.name, dialect, extra };
    const watch: Watch = { signal, onTokens() {} };
    return chat(this.http, this.context.apiKey, target, request, watch);
  }

  private noticeIgnored({ sampling }: CallRequest, { dialect, ignored }: Abilities): void {
    const heeds = (setting: "topK" | "minP") => dialect[setting] && !ignored.includes(setting);
    for (const setting of ["topK", "minP"] as const) {
      if (sampling[setting] > 0 && !heeds(setting)) {
        this.notice(`${this.settings.name} is sampled without ${setting}: the server ignores it.`);
      }
    }
    if (sampling.temperature !== 1 && !dialect.temperature) {
      this.notice(`${this.settings.name} takes no temperature: it is sampled as its server does.`);
    }
  }

  /** Each sentence once. */
  private notice(text: string): void {
    if (this.told.has(text)) return;
    this.told.add(text);
    this.context.onNotice(text);
  }
}

function adaptersFor(
  { adapters }: OpenAISettings,
  http: ServerHttp,
  started: () => ServerFacts["adapters"],
): ServerAdapters | null {
  if (adapters === "vllm") return new VllmAdapters(http);
  return adapters === "llama-server" ? new LlamaServerAdapters(started) : null;
}
