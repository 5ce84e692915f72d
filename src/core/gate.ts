import { z } from "zod";

/** How a candidate is compared with the incumbent (docs/decisions/003 and 016). */
export const gateSchema = z.strictObject({
  /** Chance, over the whole run, of promoting a candidate that is no better. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** One exact test over all gate tasks, or a bet task by task until it is decided. */
  test: z.enum(["exact", "sequential"]).default("exact"),
  /** Answers of each model to each gate task: the first greedy, the others sampled. */
  attempts: z.number().int().min(1).max(16).default(1),
  /** Of the sampled ones. */
  temperature: z.number().gt(0).max(5).default(0.7),
});

/** Settings that are valid each and make no sense together. */
export function gateContradictions({
  gate,
}: {
  readonly gate: z.infer<typeof gateSchema>;
}): { path: (string | number)[]; message: string }[] {
  if (gate.test === "sequential" || gate.attempts === 1) return [];
  const message = "the exact test takes one answer a task; for several set gate.test: sequential";
  return [{ path: ["gate", "attempts"], message }];
}
