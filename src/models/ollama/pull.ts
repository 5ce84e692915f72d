import { pullModel } from "./create.js";
import { errand } from "./errand.js";

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
export function pull(
  url: string,
  name: string,
  signal: AbortSignal,
  onProgress: (progress: PullProgress) => void,
): Promise<string> {
  return errand(url, `could not pull ${name}`, signal, async (server) => {
    await pullModel(server, name, signal, ({ status, completed, total }) =>
      onProgress({ status, bytes: total ? (completed ?? 0) : null, total: total ?? null }),
    );
    return server.digestOf(name, signal);
  });
}
