import { ChatOpenAICompletions } from "@langchain/openai";
import type { CallRequest } from "../../core/entities.js";
import { asFault } from "../langchain/faults.js";
import { toLangChain } from "../langchain/messages.js";
import { type Heard, readStream } from "../langchain/read-stream.js";
import type { Watch } from "../remote/endpoint.js";
import { type Dialect, extraFields } from "./dialect.js";
import type { ServerHttp } from "./http.js";

/** Longer than any request; silence is watched by whoever asks. */
const never = 2_147_483_647;

/** What answers, and how it wants to be asked. */
export interface Target {
  /** The model's name, or an adapter's. */
  readonly name: string;
  readonly dialect: Dialect;
  /** Fields of the request that only this server has. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** One chat completion by LangChain's OpenAI model, read to its end; nothing is tried again here. */
export async function chat(
  http: ServerHttp,
  apiKey: string | null,
  { name, dialect, extra }: Target,
  { messages, sampling, schema, topLogprobs }: CallRequest,
  watch: Watch,
): Promise<Heard> {
  const model = new ChatOpenAICompletions({
    model: name,
    maxRetries: 0,
    timeout: never,
    streamUsage: dialect.streamUsage,
    maxTokens: sampling.maxTokens,
    ...(dialect.temperature ? { temperature: sampling.temperature, topP: sampling.topP } : {}),
    ...(topLogprobs === undefined ? {} : { logprobs: true, topLogprobs }),
    modelKwargs: { ...extraFields(sampling, dialect), ...extra },
    // Else LangChain would take a key from OPENAI_API_KEY and send it to whatever server this is.
    apiKey: apiKey ?? "none",
    configuration: {
      baseURL: http.base,
      fetch: http.fetch,
      maxRetries: 0,
      logLevel: "off",
      organization: null,
      project: null,
    },
  });
  try {
    const stream = await model.stream(toLangChain(messages), {
      signal: watch.signal,
      ...(dialect.seed ? { seed: sampling.seed } : {}),
      ...(schema === undefined ? {} : answerFormat(schema, dialect)),
    });
    return await readStream(stream, watch);
  } catch (error) {
    throw asFault(error, watch.signal);
  }
}

function answerFormat(schema: Readonly<Record<string, unknown>>, { answerFormat }: Dialect) {
  if (answerFormat === "none") return {};
  if (answerFormat === "json_object") return { response_format: { type: answerFormat } };
  const json_schema = { name: "answer", schema: { ...schema }, strict: true };
  return { response_format: { type: answerFormat, json_schema } };
}
