import type { Adapter, CallRequest, Generation, Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import type { ModelSettings } from "../../core/model.js";
import type { Endpoint, EndpointContext, EndpointIdentity, Watch } from "../remote/endpoint.js";
import { EndpointFault } from "../remote/endpoint.js";
import { streamAnswer } from "./answer.js";
import { type Candidate, Candidates } from "./candidates.js";
import { type Opened, open } from "./opened.js";
import { OllamaServer, withTag } from "./server.js";

export type OllamaSettings = Extract<ModelSettings, { provider: "ollama" }>;

/**
 * A model of an Ollama server, by its native API.
 *
 * @example
 * const endpoint = await openOllama(settings, { apiKey: null, weights: null, signal, onNotice });
 * const { digest } = await endpoint.identify(signal);
 */
export async function openOllama(
  settings: OllamaSettings,
  context: EndpointContext,
): Promise<Endpoint> {
  return new OllamaEndpoint(settings, context);
}

class OllamaEndpoint implements Endpoint {
  private readonly server: OllamaServer;
  private readonly name: string;
  private opened: Opened | null = null;
  private candidates: Candidates | null = null;
  private digest: string | null = null;

  constructor(
    private readonly settings: OllamaSettings,
    private readonly context: EndpointContext,
  ) {
    this.server = new OllamaServer(settings.url);
    this.name = withTag(settings.name);
  }

  async identify(signal: AbortSignal): Promise<EndpointIdentity> {
    const version = await this.server.version(signal);
    const digest = await this.server.digestOf(this.name, signal);
    this.opened ??= await this.open(signal);
    this.digest ??= digest;
    this.candidates ??= new Candidates(
      this.server,
      { name: this.name, digest, version },
      this.context.mergeAdapter ?? null,
    );
    const { abilities, rendering, tokens, contextTokens } = this.opened;
    return {
      digest: sha256({ ollama: version, model: digest }),
      description: `${this.settings.name} (${digest.slice(0, 12)}) on Ollama ${version}`,
      capabilities: {
        // Without its very prompts a model would be trained on what it never reads.
        adapters: rendering.exact && this.candidates.possible,
        deterministic: false,
        schema: abilities.schema,
        topLogprobs: abilities.topLogprobs,
      },
      contextTokens,
      countsExactly: tokens.exact && abilities.countsCachedPrompts,
      parallel: this.opened.parallel,
    };
  }

  async answer(request: CallRequest, adapter: Adapter | null, watch: Watch): Promise<Generation> {
    this.refuseWhatWouldBeCut(request, this.requireOpened());
    const base = { name: this.name, digest: this.digest ?? "" };
    if (adapter === null) return this.ask(base, request, watch);
    const candidate = await this.candidateOf(adapter, watch.signal);
    try {
      return await this.ask(candidate, request, watch);
    } catch (error) {
      if (!(await this.candidates?.isGone(adapter, candidate, watch.signal))) throw error;
      throw new EndpointFault("unavailable", `${candidate.name} was removed from the server`);
    }
  }

  private async ask(model: Candidate, request: CallRequest, watch: Watch): Promise<Generation> {
    const target = this.targetOf(model.name);
    const answer = await streamAnswer(this.server, target, request, watch);
    await this.requireSame(model, watch.signal);
    return withPromptTokens(answer, this.requireOpened(), request.messages);
  }

  render(messages: readonly Message[]): string {
    return this.requireOpened().rendering.render(messages);
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    const { tokens } = this.requireOpened();
    return texts.map((text) => tokens.count(text));
  }

  async dispose(): Promise<void> {
    await this.candidates?.dispose();
    await this.opened?.dispose();
    await this.server.close();
  }

  private async open(signal: AbortSignal): Promise<Opened> {
    const { server, settings, context } = this;
    const { sequences } = settings;
    const { weights } = context;
    const target = this.targetOf(this.name);
    const opened = await open({ server, target, sequences, weights, signal });
    const { abilities, rendering, tokens, elsewhere } = opened;
    if (elsewhere !== null) {
      context.onNotice(
        `${settings.name} runs at ${elsewhere}: other weights there would not be noticed.`,
      );
    }
    if (opened.parallel < sequences) {
      context.onNotice(
        `Ollama answers ${opened.parallel} of ${sequences} requests at once; OLLAMA_NUM_PARALLEL sets how many.`,
      );
    }
    if (!rendering.exact) {
      context.onNotice(
        `Ollama does not show how it writes the prompts of ${settings.name}: it can be asked, not trained.`,
      );
    }
    if (!abilities.refusesLongPrompts && !tokens.exact) {
      context.onNotice(
        `This Ollama cuts long prompts without saying so; what may be longer than ${settings.contextTokens} tokens is refused. \`weights\` in the recipe would let them be counted.`,
      );
    }
    return opened;
  }

  private targetOf(model: string) {
    const { contextTokens, keepAlive } = this.settings;
    return { model, contextTokens, keepAlive };
  }

  private requireOpened(): Opened {
    if (this.opened !== null) return this.opened;
    throw new Error("an Ollama endpoint was used before identify()");
  }

  /** Making one goes on when this request is given up, since others want it, too. */
  private async candidateOf(adapter: Adapter, signal: AbortSignal): Promise<Candidate> {
    const candidate = this.candidates?.of(adapter);
    if (candidate === undefined) throw new Error("an Ollama endpoint was used before identify()");
    return Promise.race([candidate, aborted(signal)]);
  }

  private refuseWhatWouldBeCut({ messages }: CallRequest, opened: Opened): void {
    if (opened.abilities.refusesLongPrompts) return;
    const length = opened.tokens.count(opened.rendering.render(messages));
    if (length < this.settings.contextTokens) return;
    throw new EndpointFault(
      "refused",
      `the prompt has ${opened.tokens.exact ? "" : "up to "}${length} tokens, and this Ollama would cut it to ${this.settings.contextTokens}; raise contextTokens`,
    );
  }

  /** A model can be replaced under its name while it answers; the answer is not the run's then. */
  private async requireSame(
    { name, digest: before }: Candidate,
    signal: AbortSignal,
  ): Promise<void> {
    const digest = await this.server.digestOf(name, signal);
    if (digest === before) return;
    throw new RedistillError(
      "state",
      `${name} at ${this.settings.url} was replaced while it answered (${digest.slice(0, 12)}, before ${before.slice(0, 12)})`,
      "Was it pulled or created anew? Put the former one back and resume, or start a new run with --new.",
    );
  }
}

/** What the server did not say, or of a cached prompt said too low, is counted here. */
function withPromptTokens(
  answer: Generation,
  { abilities, rendering, tokens }: Opened,
  messages: readonly Message[],
): Generation {
  if (answer.promptTokens > 0 && (abilities.countsCachedPrompts || !tokens.exact)) return answer;
  const counted = tokens.count(rendering.render(messages));
  return { ...answer, promptTokens: Math.max(counted, answer.promptTokens) };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
