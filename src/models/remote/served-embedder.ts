import { RedistillError } from "../../core/errors.js";
import type { Embedder } from "../../core/ports.js";
import { unit } from "../../core/vectors.js";
import { EndpointFault } from "./endpoint.js";
import { insist } from "./insist.js";
import { type Patience, usualPatience } from "./patience.js";

/** Texts in one request. */
const portion = 32;

/** Longest wait for the vectors of one request, in milliseconds: the model may have to be loaded first. */
const longestWait = 300_000;

/** Makes one request for vectors; see `ServedEmbedder`. */
export type AskForVectors = (
  texts: readonly string[],
  signal: AbortSignal,
) => Promise<readonly (readonly number[])[]>;

interface Server {
  /** Hash of what is known of model and server. */
  readonly digest: string;
  readonly description: string;
  /** @throws EndpointFault for what the server did. */
  readonly ask: AskForVectors;
  /** The fault as an error that says what to do. */
  explain(fault: EndpointFault): unknown;
}

/** A model for embeddings that a server runs: portions, retries, a timeout, and a look at what comes back. */
export class ServedEmbedder implements Embedder {
  readonly digest: string;
  readonly description: string;

  constructor(
    private readonly server: Server,
    private readonly patience: Omit<Patience, "firstTokenMs" | "nextTokenMs"> = usualPatience,
  ) {
    this.digest = server.digest;
    this.description = server.description;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += portion) {
      const part = texts.slice(start, start + portion);
      const made = await this.ask(part, signal);
      if (made.length !== part.length) {
        throw new RedistillError(
          "model",
          `${this.description} gave ${made.length} vectors for ${part.length} texts`,
          "Is it a server for embeddings? Name another model in longTerm.embedder, or set longTerm.retrieval: text.",
        );
      }
      vectors.push(...made.map(unit));
    }
    return vectors;
  }

  private async ask(texts: readonly string[], signal: AbortSignal) {
    const { patience } = this;
    try {
      return await insist(() => this.once(texts, signal), signal, { patience });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EndpointFault ? this.server.explain(error) : error;
    }
  }

  private async once(texts: readonly string[], signal: AbortSignal) {
    const late = AbortSignal.timeout(longestWait);
    try {
      return await this.server.ask(texts, AbortSignal.any([signal, late]));
    } catch (error) {
      if (signal.aborted || !late.aborted) throw error;
      throw new EndpointFault("silent", `no vectors within ${longestWait / 1000} seconds`);
    }
  }
}
