import { z } from "zod";
import type { ChatTemplateSource } from "../embedded/template.js";
import type { ServerHttp } from "./http.js";

/** What kind of server it is, and what that kind says of itself. */
export interface ServerFacts {
  readonly kind: "vllm" | "llama-server" | "unknown";
  readonly version: string | null;
  /** Names of its models; null where it has no list. */
  readonly names: readonly string[] | null;
  /** What the list says of the model, without what changes with every start. */
  readonly entry: Readonly<Record<string, unknown>> | null;
  readonly contextTokens: number | null;
  /** Requests that it answers side by side. */
  readonly parallel: number | null;
  readonly template: ChatTemplateSource | null;
  /** Adapters that llama-server was started with. */
  readonly adapters: readonly StartedAdapter[];
}

export interface StartedAdapter {
  readonly id: number;
  readonly path: string;
  readonly scale: number;
}

const modelsSchema = z.object({
  data: z.array(
    z.looseObject({
      id: z.string(),
      owned_by: z.string().optional(),
      root: z.string().nullish(),
      parent: z.string().nullish(),
      max_model_len: z.number().int().positive().nullish(),
      meta: z.unknown().optional(),
    }),
  ),
});

const propsSchema = z.object({
  build_info: z.string().optional(),
  total_slots: z.number().int().positive().optional(),
  chat_template: z.string().optional(),
  bos_token: z.string().optional(),
  eos_token: z.string().optional(),
  default_generation_settings: z.object({ n_ctx: z.number().int().positive() }).optional(),
});

const adaptersSchema = z.array(
  z.object({ id: z.number().int(), path: z.string(), scale: z.number() }),
);

/**
 * Asks a server about itself. Only `/v1/models` is asked of every server; what only vLLM or
 * llama-server have is asked where that list, or the recipe, says that it is one.
 *
 * @throws EndpointFault where nobody answers.
 */
export async function inspectServer(
  http: ServerHttp,
  name: string,
  expected: ServerFacts["kind"],
  signal: AbortSignal,
): Promise<ServerFacts> {
  // Some servers have no list, or fail at it, and answer all the same.
  const { body } = await http.ask(`${http.base}/models`, signal);
  const list = modelsSchema.safeParse(body).data?.data ?? null;
  const entry = list?.find(({ id }) => id === name) ?? null;
  const facts: ServerFacts = {
    ...{ kind: "unknown", version: null, parallel: null, template: null, adapters: [] },
    names: list?.map(({ id }) => id) ?? null,
    entry: entry && { root: entry.root, parent: entry.parent, meta: entry.meta },
    contextTokens: entry?.max_model_len ?? null,
  };
  const owners = new Set(list?.map((each) => each.owned_by));
  if (expected === "vllm" || owners.has("vllm")) return { ...facts, ...(await vllm(http, signal)) };
  if (expected === "llama-server" || owners.has("llamacpp")) {
    return { ...facts, ...(await llamaServer(http, signal)) };
  }
  return facts;
}

async function vllm(http: ServerHttp, signal: AbortSignal): Promise<Partial<ServerFacts>> {
  const { body } = await http.ask(`${http.root}/version`, signal);
  const version = z.object({ version: z.string() }).safeParse(body).data?.version ?? null;
  return { kind: "vllm", version };
}

async function llamaServer(http: ServerHttp, signal: AbortSignal): Promise<Partial<ServerFacts>> {
  const props = propsSchema.safeParse((await http.ask(`${http.root}/props`, signal)).body).data;
  const started = await http.ask(`${http.root}/lora-adapters`, signal);
  const template = props?.chat_template;
  return {
    kind: "llama-server",
    version: props?.build_info ?? null,
    parallel: props?.total_slots ?? null,
    contextTokens: props?.default_generation_settings?.n_ctx ?? null,
    template: template
      ? { text: template, bos: props.bos_token ?? "", eos: props.eos_token ?? "" }
      : null,
    adapters: adaptersSchema.safeParse(started.body).data ?? [],
  };
}

/**
 * Lengths of texts by the server's own tokenizer, special tokens read as such and none added; null
 * where it has no such question.
 */
export async function tokenizeThere(
  http: ServerHttp,
  kind: ServerFacts["kind"],
  name: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<number[] | null> {
  if (kind === "unknown") return null;
  const lengths: number[] = [];
  for (const text of texts) {
    const body =
      kind === "vllm"
        ? { model: name, prompt: text, add_special_tokens: false }
        : { content: text, add_special: false, parse_special: true };
    const reply = await http.ask(`${http.root}/tokenize`, signal, body);
    const tokens = z.object({ tokens: z.array(z.unknown()) }).safeParse(reply.body).data?.tokens;
    if (tokens === undefined) return null;
    lengths.push(tokens.length);
  }
  return lengths;
}
