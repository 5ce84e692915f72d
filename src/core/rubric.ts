import { z } from "zod";
import { promptName } from "./prompt.js";
import { asksVerifier, type RetrainSettings } from "./retrain.js";

/** A verifier that asks the judge for a grade, by the criteria in a prompt of prompts/rubric. */
export const rubricSchema = z.strictObject({
  kind: z.literal("rubric"),
  /** prompts/rubric/<name>.md. */
  prompt: promptName,
  /** The best grade; 1 is the worst. */
  scale: z.number().int().min(2).max(100).default(5),
  /** The lowest grade that counts as right. */
  threshold: z.number().int().min(2).max(100).default(4),
  maxTokens: z.number().int().min(1).max(4096).default(96),
});

/** Settings with which grades by rubric cannot be had, or are not asked for. */
export function rubricContradictions(recipe: {
  readonly tasks: { readonly source: string; readonly verifier?: { readonly kind: string } };
  readonly teacher: { readonly labels: string };
  readonly retrain: RetrainSettings;
}): { path: string[]; message: string }[] {
  const verifier = recipe.tasks.verifier as z.infer<typeof rubricSchema> | undefined;
  if (verifier?.kind !== "rubric") return [];
  const found: { path: string[]; message: string }[] = [];
  if (verifier.threshold > verifier.scale) {
    found.push({
      path: ["tasks", "verifier", "threshold"],
      message: `above the best grade, ${verifier.scale}: no answer could ever be right`,
    });
  }
  if (recipe.teacher.labels === "majority") {
    found.push({
      path: ["teacher", "labels"],
      message: "a majority gives the verdicts, so that the rubric would never be asked",
    });
  }
  if (asksVerifier(recipe.retrain)) {
    found.push({
      path: ["retrain", "method"],
      message: "it scores answers while it trains, when no judge can be asked for a rubric's grade",
    });
  }
  return found;
}
