import { RedistillError } from "../core/errors.js";
import type { ChatModel } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";

/**
 * Refuses a training method that needs more of the model that writes attempts and revisions than it
 * gives, before anything is paid for.
 *
 * @throws RedistillError `usage` naming the model and the setting.
 */
export function requireCapable(
  { retrain }: Recipe,
  teacher: Pick<ChatModel, "description" | "capabilities">,
): void {
  if (retrain.method !== "distill") return;
  const { topLogprobs } = teacher.capabilities;
  if (retrain.topLogprobs <= topLogprobs) return;
  throw new RedistillError(
    "usage",
    topLogprobs === 0
      ? `retrain.method distill learns from token probabilities, and ${teacher.description} gives none`
      : `retrain.topLogprobs is ${retrain.topLogprobs}; ${teacher.description} gives ${topLogprobs} at most`,
    topLogprobs === 0
      ? "Take another method, such as sft, or a model that gives log-probabilities."
      : `Set retrain.topLogprobs to ${topLogprobs} or less.`,
  );
}
