import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { CreateRequest, ProgressResponse } from "ollama";
import { fetch as send } from "undici";
import { EndpointFault } from "../remote/endpoint.js";
import { asFault, faultOf, isErrorLine } from "./http.js";
import type { OllamaServer } from "./server.js";

/** A file and the sha256 of its content. */
export interface HashedFile {
  readonly path: string;
  readonly sha256: string;
}

/** Fields that servers read and the client's types do not have. */
export type FullCreateRequest = CreateRequest & {
  readonly files?: Readonly<Record<string, string>>;
  readonly renderer?: string;
  readonly parser?: string;
};

/** As /api/create names a file that was sent before. */
export const blobName = (file: HashedFile) => `sha256:${file.sha256}`;

/**
 * Sends a file to the server, unless it has it; the server checks the hash. The `ollama` client has no
 * call for this.
 *
 * @throws EndpointFault
 */
export async function sendBlob(
  server: OllamaServer,
  file: HashedFile,
  signal: AbortSignal,
): Promise<void> {
  const url = `${server.url.replace(/\/+$/, "")}/api/blobs/${blobName(file)}`;
  const { dispatcher } = server;
  try {
    const there = await send(url, { method: "HEAD", dispatcher, signal });
    if (there.ok) return;
    if (there.status !== 404) throw faultOf(there.status, "", there.headers.get("retry-after"));
    const { size } = await stat(file.path);
    const sent = await send(url, {
      method: "POST",
      headers: { "content-length": String(size) },
      body: createReadStream(file.path, { highWaterMark: 1 << 20 }),
      duplex: "half",
      dispatcher,
      signal,
    });
    const said = await sent.text();
    if (!sent.ok) throw faultOf(sent.status, said, null);
  } catch (error) {
    throw asFault(error, signal);
  }
}

/** @throws EndpointFault */
export async function createModel(
  server: OllamaServer,
  request: FullCreateRequest,
  signal: AbortSignal,
): Promise<void> {
  await server.ask(signal, async (client) => {
    await toTheEnd(await client.create({ ...request, stream: true }));
  });
}

/**
 * Fetches a model from Ollama's registry.
 *
 * @param onProgress What is done, with bytes so far and in all where it is a download.
 * @throws EndpointFault
 */
export async function pullModel(
  server: OllamaServer,
  model: string,
  signal: AbortSignal,
  onProgress: (progress: ProgressResponse) => void,
): Promise<void> {
  await server.ask(signal, async (client) => {
    await toTheEnd(await client.pull({ model, stream: true }), onProgress);
  });
}

async function toTheEnd(
  stream: AsyncIterable<ProgressResponse>,
  onProgress: (progress: ProgressResponse) => void = () => {},
): Promise<void> {
  try {
    for await (const progress of stream) onProgress(progress);
  } catch (error) {
    if (!isErrorLine(error)) throw error;
    // Such a line is about this request: the same one would end in the same way.
    throw new EndpointFault("refused", error.message, null, { cause: error });
  }
}
