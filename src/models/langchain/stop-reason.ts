import type { StopReason } from "../../core/entities.js";
import { EndpointFault } from "../remote/endpoint.js";

/** Where providers' packages put why an answer ended. */
const places = ["finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason"];

/** Google's word for not yet. */
const unspecified = "FINISH_REASON_UNSPECIFIED";

const ends = new Set(["stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"]);
const lengths = new Set(["length", "max_tokens", "model_length", "max_output_tokens"]);
/** The server gave up in the middle. */
const broken = new Set(["abort", "error", "insufficient_system_resource", "network_error"]);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Why an answer ended, as a piece of it says; null where it does not. OpenAI's and Google's packages
 * have it in the metadata, Anthropic's in the additional arguments, Bedrock's one level deeper.
 */
export function reasonIn(chunk: {
  readonly response_metadata: Fields;
  readonly additional_kwargs: Fields;
}): string | null {
  const { response_metadata, additional_kwargs } = chunk;
  const nested = response_metadata.messageStop as Fields | undefined;
  for (const fields of [response_metadata, additional_kwargs, nested ?? {}]) {
    for (const place of places) {
      const value = fields[place];
      if (typeof value === "string" && value !== "" && value !== unspecified) return value;
    }
  }
  return null;
}

/**
 * A provider's word for why an answer ended, in ours.
 *
 * @throws EndpointFault `unavailable` where the answer is only a part, `refused` where the model or a
 * filter would not answer.
 */
export function stopReasonOf(said: string | null): StopReason {
  if (said === null) throw new EndpointFault("unavailable", "the answer ended half-way");
  const word = said.toLowerCase();
  if (ends.has(word)) return "end";
  if (lengths.has(word)) return "length";
  if (broken.has(word)) throw new EndpointFault("unavailable", `the server gave up (${said})`);
  throw new EndpointFault("refused", `no answer but "${said}"`);
}
