import type { Task, VerifierSpec } from "../../src/core/entities.js";

export function taskOf(
  verifier: VerifierSpec,
  reference: string | null,
  metadata: Task["metadata"] = null,
): Task {
  return { id: "t", split: "train", prompt: "?", reference, verifier, tags: [], metadata };
}
