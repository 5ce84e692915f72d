import type { ModelCapabilities } from "../../core/ports.js";

/** Apart from the engine, so that a process that only talks to it does not load llama.cpp. */
export const embeddedCapabilities: ModelCapabilities = {
  adapters: true,
  deterministic: true,
  schema: false,
  grammar: true,
  topLogprobs: 20,
};
