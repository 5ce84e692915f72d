import { RedistillError } from "../../core/errors.js";
import { EndpointFault } from "../remote/endpoint.js";
import { OllamaServer } from "./server.js";

/**
 * Something that a command wants of a server once, without retries.
 *
 * @param failed What did not come about, for the error: `could not pull llama3.2`.
 * @throws RedistillError `model`
 */
export async function errand<T>(
  url: string,
  failed: string,
  signal: AbortSignal,
  use: (server: OllamaServer) => Promise<T>,
): Promise<T> {
  const server = new OllamaServer(url);
  try {
    await server.version(signal);
    return await use(server);
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    throw new RedistillError(
      "model",
      `Ollama at ${url} ${failed}: ${error.message}`,
      error.trouble === "refused"
        ? "Check the name, and what the server says in its log."
        : "Try again when the server is well; its log says more.",
      { cause: error },
    );
  } finally {
    await server.close();
  }
}
