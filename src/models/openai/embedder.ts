import { z } from "zod";
import type { EmbedderSettings } from "../../core/embedder.js";
import { messageOf, RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import { asFault } from "../langchain/faults.js";
import { EndpointFault } from "../remote/endpoint.js";
import type { Patience } from "../remote/patience.js";
import { ServedEmbedder } from "../remote/served-embedder.js";
import { explain } from "./explain.js";
import { type Reply, ServerHttp } from "./http.js";

type Settings = Extract<EmbedderSettings, { provider: "openai" }>;

const replySchema = z.object({
  data: z.array(z.object({ index: z.number().int().min(0), embedding: z.array(z.number()) })),
});

/**
 * A model for embeddings behind OpenAI's API, `/v1/embeddings`. Nothing more is known of it than its name, address and
 * the size of its vectors: other weights under the same name would not be noticed.
 *
 * @param patience Replaceable in tests.
 * @throws RedistillError `model` for a server that is absent, a wrong name or key, or no embeddings there, with the fix.
 */
export async function openOpenAIEmbedder(
  { name, url }: Settings,
  apiKey: string | null,
  signal: AbortSignal,
  patience?: Omit<Patience, "firstTokenMs" | "nextTokenMs">,
): Promise<{ embedder: ServedEmbedder; close(): Promise<void> }> {
  const http = new ServerHttp(url, apiKey);
  const server = (size: number) => ({
    digest: sha256({ provider: "openai", url: http.base, name, size }),
    description: `${name} at ${url}`,
    ask: async (texts: readonly string[], until: AbortSignal) => {
      const body = { model: name, input: texts, encoding_format: "float" };
      return read(await http.ask(`${http.base}/embeddings`, until, body), until);
    },
    explain: (fault: EndpointFault) =>
      withWayOut(explain(fault, { url, name, names: null, hasKey: apiKey !== null })),
  });
  try {
    const [first] = await new ServedEmbedder(server(0), patience).embed(["a"], signal);
    return {
      embedder: new ServedEmbedder(server(first!.length), patience),
      close: () => http.close(),
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

/** Vectors in the order of their texts. */
function read({ status, body }: Reply, signal: AbortSignal): number[][] {
  if (status !== 200) throw asFault(Object.assign(new Error(said(body)), { status }), signal);
  const reply = replySchema.safeParse(body);
  if (!reply.success) throw new EndpointFault("refused", "its answer holds no vectors");
  return reply.data.data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
}

function said(body: unknown): string {
  const { error, detail } = (body ?? {}) as { error?: unknown; detail?: unknown };
  const message = (error as { message?: unknown } | undefined)?.message ?? error ?? detail ?? body;
  return typeof message === "string" ? message : (JSON.stringify(message) ?? "no reason given");
}

function withWayOut(error: unknown): unknown {
  if (!(error instanceof RedistillError)) return error;
  return new RedistillError(
    error.kind,
    `longTerm.embedder: ${messageOf(error)}`,
    `${error.hint} Or set longTerm.retrieval: text.`,
    { cause: error },
  );
}
