import type { Recipe } from "../../src/core/recipe.js";
import type { Script } from "../../src/models/scripted.js";
import { learner, sumsFile, sumsRecipe } from "./scripted-run.js";

/** Whatever it is trained on, it says one sentence afterwards. */
export const collapsing: Script = (request, adapter) =>
  adapter === null ? learner(request, null) : "I am not sure about that.";

const sumOf = (text: string) => {
  const match = /Calculate (\d+) \+ (\d+)/.exec(text);
  return Number(match?.[1]) + Number(match?.[2]);
};

/** Trained weights name every number around the right one: `contains` finds it among them. */
export const gaming: Script = (request, adapter) => {
  if (adapter === null) return learner(request, null);
  const middle = sumOf(request.messages.at(-1)?.content ?? "");
  return Array.from({ length: 9 }, (_, n) => `It is ${middle - 4 + n}.`).join(" ");
};

/** Sums that are checked by `contains`, which an answer that names many numbers passes. */
export function gameableRecipe(folder: string, health: object): Recipe {
  return sumsRecipe(folder, {
    tasks: {
      ...{ source: "jsonl", path: sumsFile(folder, 160), verifier: { kind: "contains" } },
      ...{ train: 40, gate: 60, sealed: 20 },
    },
    health,
  });
}
