import type { CallRequest } from "../../src/core/entities.js";

export function requestOf(
  content: string,
  sampling: Partial<CallRequest["sampling"]> = {},
): CallRequest {
  return {
    messages: [{ role: "user", content }],
    sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 12, seed: 1, ...sampling },
  };
}
