import type { StopReason } from "../../core/entities.js";
import { EndpointFault } from "../remote/endpoint.js";

/** Where providers' packages put why an answer ended. */
const places = ["finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason"];

const ends = new Set(["stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"]);
const lengths = new Set(["length", "max_tokens", "model_length", "max_output_tokens"]);
/** The server gave up in the middle. */
const broken = new Set(["abort", "error", "insufficient_system_resource", "network_error"]);

/** Why an answer ended, as its metadata say; null where this piece of it does not. */
export function reasonIn(metadata: Readonly<Record<string, unknown>>): string | null {
  for (const place of places) {
    const value = metadata[place];
    if (typeof value === "string" && value !== "") return value;
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
