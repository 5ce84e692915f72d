import { resolve } from "node:path";
import type { Adapter } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { readable } from "../langchain/faults.js";
import { EndpointFault } from "../remote/endpoint.js";
import type { ServerHttp } from "./http.js";
import type { StartedAdapter } from "./server.js";

/** What a request has to say so that an adapter, or none, answers it. */
export interface AdapterRequest {
  /** In place of the model's name. */
  readonly name?: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** How trained weights get to a server. */
export interface ServerAdapters {
  /**
   * Call `answered` with the same adapter once the request has ended, unless this throws.
   *
   * @throws RedistillError `model` where the server cannot take this adapter.
   */
  select(adapter: Adapter | null, signal: AbortSignal): Promise<AdapterRequest>;
  /** A request that was selected for has ended, whatever came of it. */
  answered(adapter: Adapter | null): void;
  /** The server does not know the adapter any more: it was started again. */
  forget(adapter: Adapter): void;
  dispose(): Promise<void>;
}

/** Adapters that vLLM keeps for us though nobody asks at the moment: incumbent and candidate. */
const mostLoaded = 2;
const vllmHint =
  "Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True in its environment (docs/models.md).";

/** vLLM loads adapters while it runs, from a folder that it can read under the same path. */
export class VllmAdapters implements ServerAdapters {
  private readonly loaded = new Map<string, Promise<void>>();
  /** Requests under way: several runs may ask, each with an adapter of its own, and none is unloaded under them. */
  private readonly underWay = new Map<string, number>();

  constructor(private readonly http: ServerHttp) {}

  /** @throws RedistillError `model` unless the server was started for it. */
  async require(signal: AbortSignal): Promise<void> {
    const { status } = await this.http.ask(`${this.http.base}/load_lora_adapter`, signal, {});
    // An empty request is a wrong one where the question exists.
    if (status !== 404 && status !== 405) return;
    throw new RedistillError("model", "this server loads no adapters while it runs", vllmHint);
  }

  async select(adapter: Adapter | null, signal: AbortSignal): Promise<AdapterRequest> {
    if (adapter === null) return { extra: {} };
    this.count(adapter, 1);
    try {
      await this.load(adapter, signal);
    } catch (error) {
      this.answered(adapter);
      throw error;
    }
    return { name: nameOf(adapter.sha256), extra: {} };
  }

  answered(adapter: Adapter | null): void {
    if (adapter !== null) this.count(adapter, -1);
  }

  private count({ sha256 }: Adapter, change: number): void {
    this.underWay.set(sha256, (this.underWay.get(sha256) ?? 0) + change);
  }

  private async load(adapter: Adapter, signal: AbortSignal): Promise<void> {
    let loading = this.loaded.get(adapter.sha256);
    if (loading === undefined) {
      loading = this.send(adapter, signal);
      this.loaded.set(adapter.sha256, loading);
      loading.catch(() => this.loaded.delete(adapter.sha256));
      await loading;
      await this.unloadOldest(signal);
    }
    await loading;
  }

  forget(adapter: Adapter): void {
    this.loaded.delete(adapter.sha256);
  }

  async dispose(): Promise<void> {
    const soon = AbortSignal.timeout(5_000);
    // A server that is gone has nothing to unload.
    await Promise.allSettled([...this.loaded.keys()].map((sha256) => this.unload(sha256, soon)));
  }

  private async send(adapter: Adapter, signal: AbortSignal): Promise<void> {
    const { status, body } = await this.http.ask(`${this.http.base}/load_lora_adapter`, signal, {
      lora_name: nameOf(adapter.sha256),
      lora_path: adapter.peftPath,
    });
    const said = typeof body === "string" ? body : JSON.stringify(body);
    // The name holds the weights' hash: what is there under it is this adapter.
    if (status < 300 || said.includes("already been loaded")) return;
    if (status >= 500) throw new EndpointFault("unavailable", `load_lora_adapter: ${status}`);
    throw new RedistillError(
      "model",
      `the server did not load the adapter in ${adapter.peftPath}: ${status} ${readable(said)}`,
      `${vllmHint} It must see that folder under the same path, and allow its rank (--max-lora-rank).`,
    );
  }

  private async unloadOldest(signal: AbortSignal): Promise<void> {
    const idle = (sha256: string) => (this.underWay.get(sha256) ?? 0) === 0;
    for (const sha256 of [...this.loaded.keys()].slice(0, -mostLoaded).filter(idle)) {
      this.loaded.delete(sha256);
      await this.unload(sha256, signal);
    }
  }

  private async unload(sha256: string, signal: AbortSignal): Promise<void> {
    const body = { lora_name: nameOf(sha256) };
    await this.http.ask(`${this.http.base}/unload_lora_adapter`, signal, body);
  }
}

function nameOf(sha256: string): string {
  return `redistill-${sha256.slice(0, 16)}`;
}

/** llama-server applies adapters that it was started with; a request says which, with what scale. */
export class LlamaServerAdapters implements ServerAdapters {
  constructor(private readonly started: () => readonly StartedAdapter[]) {}

  async select(adapter: Adapter | null): Promise<AdapterRequest> {
    const path = adapter && resolve(adapter.ggufPath);
    const lora = this.started().map(({ id, path: file }) => ({
      id,
      scale: path !== null && resolve(file) === path ? 1 : 0,
    }));
    if (path !== null && !lora.some(({ scale }) => scale === 1)) {
      throw new RedistillError(
        "model",
        `llama-server was started without the adapter ${path}, and loads none while it runs`,
        `Start it again with --lora ${path} --lora-init-without-apply, then resume the run; vLLM loads adapters by itself.`,
      );
    }
    // All of them, since one that is left out keeps no scale but the server's own.
    return { extra: lora.length > 0 ? { lora } : {} };
  }

  answered(): void {}

  forget(): void {}

  async dispose(): Promise<void> {}
}
