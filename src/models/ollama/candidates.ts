import { type Adapter, isWholeModel } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import { EndpointFault, type MergeAdapter } from "../remote/endpoint.js";
import { carriedOver } from "./carried-over.js";
import { blobName, createModel, type HashedFile, sendBlob } from "./create.js";
import { type OllamaServer, withTag } from "./server.js";
import { takesAdapters } from "./version.js";

/** The model that adapters are put on. */
export interface Base {
  readonly name: string;
  readonly digest: string;
  readonly version: string;
}

/** A model on the server that is base and adapter. */
export interface Candidate {
  readonly name: string;
  readonly digest: string;
}

/** The name of base and adapter, the same whoever makes it. */
export function candidateName(baseDigest: string, adapter: string): string {
  return `redistill-${sha256({ base: baseDigest, adapter }).slice(0, 12)}`;
}

/** Adapters as models of their own: made on first use, found again, removed at the end. */
export class Candidates {
  private readonly known = new Map<string, Promise<Candidate>>();
  private readonly stop = new AbortController();
  private takesAdapters: boolean;

  constructor(
    private readonly server: OllamaServer,
    private readonly base: Base,
    private readonly merge: MergeAdapter | null,
  ) {
    this.takesAdapters = takesAdapters(base.version);
  }

  /** Whether adapters can be answered with at all. */
  get possible(): boolean {
    return this.takesAdapters || this.merge !== null;
  }

  /**
   * The model for an adapter. Requests that want the same one wait for each other, and it is made even
   * if one of them is given up meanwhile.
   */
  of(adapter: Adapter): Promise<Candidate> {
    const earlier = this.known.get(adapter.sha256);
    if (earlier) return earlier;
    const made = this.findOrMake(adapter);
    this.known.set(adapter.sha256, made);
    made.catch(() => this.known.delete(adapter.sha256));
    return made;
  }

  /** Whether an adapter's model was taken away by somebody else; it is made again when it is asked for. */
  async isGone(adapter: Adapter, { name }: Candidate, signal: AbortSignal): Promise<boolean> {
    if ((await this.server.models(signal)).has(withTag(name))) return false;
    this.known.delete(adapter.sha256);
    return true;
  }

  /** Removes them from the server; one that cannot be removed stays, and `publish --remove` finds it. */
  async dispose(): Promise<void> {
    this.stop.abort();
    const { signal } = new AbortController();
    for (const made of this.known.values()) {
      const candidate = await made.catch(() => null);
      if (candidate) await this.server.remove(candidate.name, signal).catch(() => {});
    }
    this.known.clear();
  }

  private async findOrMake(adapter: Adapter): Promise<Candidate> {
    const { signal } = this.stop;
    const name = candidateName(this.base.digest, adapter.sha256);
    const models = await this.server.models(signal);
    if (!models.has(withTag(name))) {
      if (this.takesAdapters && !isWholeModel(adapter)) await this.putOn(adapter, name, signal);
      else await this.makeMerged(adapter, name, signal);
    }
    return { name, digest: await this.server.digestOf(name, signal) };
  }

  private async putOn(adapter: Adapter, model: string, signal: AbortSignal): Promise<void> {
    const file = { path: adapter.ggufPath, sha256: adapter.sha256 };
    await sendBlob(this.server, file, signal);
    const adapters = { "adapter.gguf": blobName(file) };
    try {
      // With its tag, since the client takes a name that is also a file here for that file.
      await createModel(this.server, { model, from: withTag(this.base.name), adapters }, signal);
    } catch (error) {
      if (!(error instanceof EndpointFault && error.trouble === "refused")) throw error;
      if (this.merge === null) throw this.noAdapters(error);
      this.takesAdapters = false;
      await this.makeMerged(adapter, model, signal);
    }
  }

  private async makeMerged(adapter: Adapter, model: string, signal: AbortSignal): Promise<void> {
    if (this.merge === null) throw this.noAdapters(null);
    const base = await this.server.describe(this.base.name, signal);
    await this.merge(adapter, signal, (file) =>
      createMerged(this.server, base, file, model, signal),
    );
  }

  private noAdapters(cause: EndpointFault | null): RedistillError {
    return new RedistillError(
      "model",
      `Ollama ${this.base.version} does not put a LoRA adapter on ${this.base.name}${cause ? `: ${cause.message}` : ", since 0.34.1 no version does"}`,
      "Set `retrain.method: memory`, or let the embedded engine run the model's GGUF file.",
      ...(cause ? [{ cause }] : []),
    );
  }
}

/** A model of merged weights, with everything else as its base has it. */
export async function createMerged(
  server: OllamaServer,
  base: Parameters<typeof carriedOver>[0],
  file: HashedFile,
  model: string,
  signal: AbortSignal,
): Promise<void> {
  await sendBlob(server, file, signal);
  const files = { "model.gguf": blobName(file) };
  await createModel(server, { ...carriedOver(base), model, files }, signal);
}
