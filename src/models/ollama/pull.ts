import { RedistillError } from "../../core/errors.js";
import { EndpointFault } from "../remote/endpoint.js";
import { pullModel } from "./create.js";
import { OllamaServer } from "./server.js";

export interface PullProgress {
  /** What the server does now, in its own words. */
  readonly status: string;
  /** Bytes of a download so far and in all; null for other steps. */
  readonly bytes: number | null;
  readonly total: number | null;
}

/**
 * Has an Ollama server fetch a model from its registry.
 *
 * @returns The model's digest there.
 * @throws RedistillError `model`
 */
export async function pull(
  url: string,
  name: string,
  signal: AbortSignal,
  onProgress: (progress: PullProgress) => void,
): Promise<string> {
  const server = new OllamaServer(url);
  try {
    await server.version(signal);
    await pullModel(server, name, signal, ({ status, completed, total }) =>
      onProgress({ status, bytes: total ? (completed ?? 0) : null, total: total ?? null }),
    );
    return await server.digestOf(name, signal);
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    throw new RedistillError(
      "model",
      `Ollama at ${url} could not pull ${name}: ${error.message}`,
      "Check the name at ollama.com/library and the network of the server's machine.",
      { cause: error },
    );
  } finally {
    await server.close();
  }
}
