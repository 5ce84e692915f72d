import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { CallRequest, Message } from "../../core/entities.js";
import { EngineFault, RedistillError } from "../../core/errors.js";
import type { ChatModel, Embedder, SampleOptions } from "../../core/ports.js";
import { embeddedCapabilities, lastStateDigest } from "./capabilities.js";
import type { EngineOptions } from "./engine.js";
import { EngineHost, type HostProgram } from "./engine-host.js";
import {
  type Closing,
  type EngineIdentity,
  type Passing,
  packRequests,
  type ToHost,
  unpackError,
} from "./protocol.js";
import { type Patience, Silence, usualPatience } from "./silence.js";
import { ChatTemplate } from "./template.js";

export interface EngineProcessOptions extends EngineOptions {
  /** Replaceable in tests. */
  readonly program?: HostProgram;
  readonly patience?: Patience;
}

/** host.js beside the compiled file, host.ts beside the source. */
const ownProgram = (): HostProgram => ({
  script: fileURLToPath(new URL(`./host${extname(import.meta.url)}`, import.meta.url)),
  execArgv: process.execArgv,
});

/**
 * The embedded engine in a process of its own: one that crashes or hangs takes nothing with it. The
 * call under way then fails with an EngineFault, and the next one starts the engine again.
 *
 * @example
 * const model = await EngineProcess.start({ modelPath, modelSha256, contextTokens: 1024, sequences: 8, threads: 0 }, signal);
 */
export class EngineProcess implements ChatModel {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly silence: Silence;
  private template: ChatTemplate | null = null;
  private identity: EngineIdentity | null = null;
  private host: EngineHost | null = null;
  private disposed = false;

  private constructor(private readonly options: EngineProcessOptions) {
    this.silence = new Silence(options.patience ?? usualPatience);
  }

  /**
   * Starts the process and loads the weights.
   *
   * @throws RedistillError `model` as EmbeddedEngine.load, EngineFault when that ends the process.
   */
  static async start(options: EngineProcessOptions, signal: AbortSignal): Promise<EngineProcess> {
    const started = new EngineProcess(options);
    await started.running(signal);
    return started;
  }

  get digest(): string {
    return this.known.digest;
  }

  get description(): string {
    return this.known.description;
  }

  readonly capabilities = embeddedCapabilities;

  /** Of the engine's process, while one runs. */
  get pid(): number | null {
    return this.host === null || this.host.isGone ? null : this.host.pid;
  }

  render(messages: readonly Message[]): string {
    this.template ??= new ChatTemplate(this.known.chatTemplate);
    return this.template.render(messages);
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    const { signal } = new AbortController();
    const closing = await twice(() => this.ask({ kind: "count", texts }, signal, () => {}));
    return closing.kind === "counts" ? [...closing.counts] : [];
  }

  get embedder(): Embedder {
    return {
      digest: lastStateDigest(this.digest),
      description: `last hidden state of ${this.description}`,
      embed: async (texts, signal) => {
        const vectors: Float32Array[] = [];
        await twice(() =>
          this.ask({ kind: "embed", texts }, signal, (passing) => {
            if (passing.kind === "vector")
              vectors[passing.index] = Float32Array.from(passing.vector);
          }),
        );
        signal.throwIfAborted();
        return vectors;
      },
    };
  }

  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    const { adapter, signal, width, drain } = options;
    if (requests.length === 0 || drain?.aborted) return;
    const packed = packRequests(requests);
    const message = { kind: "sample", packed, adapter, width: width ?? null } as const;
    const onPassing = (passing: Passing) => {
      if (passing.kind === "result") options.onResult(passing.index, passing.generation);
      else if (passing.kind === "tokens") options.onTokens?.(passing.count);
    };
    await this.ask(message, signal, onPassing, drain);
    signal.throwIfAborted();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.host?.kill();
    await this.host?.ended;
  }

  /** Requests wait for each other: the engine runs one batch at a time. */
  private ask(
    message: ToHost,
    signal: AbortSignal,
    onPassing: (message: Passing) => void,
    drain?: AbortSignal,
  ): Promise<Closing> {
    const turn = this.queue.then(async () => {
      const host = await this.running(signal);
      return outcome(
        await host.exchange(message, signal, onPassing, drain).catch(stopped(signal)),
        signal,
      );
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The process, started again if the last one is gone. */
  private async running(signal: AbortSignal): Promise<EngineHost> {
    signal.throwIfAborted();
    if (this.disposed) throw new RedistillError("internal", "the engine is disposed", "");
    // One that was told to die is waited for: two would need the memory of both.
    if (this.host?.isGone) await this.host.ended;
    else if (this.host) return this.host;
    const { program = ownProgram(), patience = usualPatience, ...options } = this.options;
    const host = new EngineHost(program, patience, this.silence);
    this.host = host;
    try {
      const load = host.exchange({ kind: "load", options }, signal, () => {});
      const closing = outcome(await load.catch(stopped(signal)), signal);
      if (closing.kind === "ready") this.identify(closing.identity);
      return host;
    } catch (error) {
      host.kill();
      await host.ended;
      throw error;
    }
  }

  private identify(identity: EngineIdentity): void {
    if (this.identity !== null && this.identity.digest !== identity.digest) {
      throw new RedistillError(
        "state",
        `the engine that was started again is another one (${identity.digest.slice(0, 12)}, before ${this.identity.digest.slice(0, 12)})`,
        "Was redistill or the model's file replaced? Put the former one back to resume, or start a new run with --new.",
      );
    }
    this.identity = identity;
  }

  private get known(): EngineIdentity {
    if (this.identity === null) throw new Error("the engine has not said who it is");
    return this.identity;
  }
}

/** Such a request is cheap and blames nothing that it holds: an engine that died at it is asked once more. */
function twice<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    if (error instanceof EngineFault) return ask();
    throw error;
  });
}

/** A process that had to be killed because it did not stop is no fault of the engine's. */
function stopped(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    if (error instanceof EngineFault) signal.throwIfAborted();
    throw error;
  };
}

function outcome(closing: Closing, signal: AbortSignal): Closing {
  if (closing.kind === "failed") throw unpackError(closing.error);
  if (closing.kind === "stopped") signal.throwIfAborted();
  return closing;
}
