import { sha256 } from "../../core/hash.js";
import type { ModelCapabilities } from "../../core/ports.js";

/** Apart from the engine, so that a process that only talks to it does not load llama.cpp. */
export const embeddedCapabilities: ModelCapabilities = {
  adapters: true,
  deterministic: true,
  schema: false,
  grammar: true,
  topLogprobs: 20,
};

/** Who makes the vectors of an engine with this digest. */
export function lastStateDigest(engine: string): string {
  return sha256({ engine, vector: "last hidden state of the last token" });
}
