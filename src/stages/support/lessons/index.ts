import type { Example, Message, Task } from "../../../core/entities.js";
import type { RenderedExample, TrainingExample } from "../../../core/ports.js";
import type { RetrainSettings, WeightSettings } from "../../../core/retrain.js";
import type { StageInput } from "../../types.js";
import type { Gathered } from "./answers.js";
import { imitation, weightedImitation } from "./imitation.js";
import { labels } from "./labels.js";
import { pairs } from "./pairs.js";
import { practice } from "./practice.js";
import { rankings } from "./rankings.js";
import { attemptViews, revisedViews, revisionViews } from "./views.js";

/** What this round's answers offer to the recipe's training method. */
export function gather(input: StageInput): Gathered {
  return gathererOf(input.recipe.retrain)(input);
}

function gathererOf(retrain: RetrainSettings): (input: StageInput) => Gathered {
  switch (retrain.method) {
    case "memory":
      return imitation;
    case "sft":
      return retrain.weighting === "even" ? imitation : weightedImitation;
    case "dpo":
    case "orpo":
      return pairs;
    case "kto":
      return labels;
    case "rrhf":
      return rankings;
    case "sdft":
      return retrain.view === "attempt" ? attemptViews : revisionViews;
    case "gkd":
      return retrain.view === "attempt" ? attemptViews : revisedViews;
    case "grpo":
      return practice;
  }
}

/** What the examples of a method are called in a sentence. */
export function nounOf({ method }: WeightSettings): string {
  const nouns = {
    ...{ sft: "examples", dpo: "pairs", orpo: "pairs", kto: "labels", rrhf: "rankings" },
    ...{ sdft: "views", gkd: "views", grpo: "tasks to practise" },
  };
  return nouns[method];
}

/** Why these examples cannot be trained on although there are enough of them; null if they can. */
export function unusable(learned: readonly Example[], { method }: WeightSettings): string | null {
  if (method !== "kto") return null;
  const right = learned.filter(({ lesson }) => lesson?.kind === "label" && lesson.right).length;
  if (right > 0 && right < learned.length) return null;
  return `all ${learned.length} labels are ${right > 0 ? "right" : "wrong"}; kto learns from both`;
}

/** An example as the trainer takes it. */
export function rendered(
  { taskId, messages, completion, lesson }: Example,
  { recipe, tasks }: StageInput,
  render: (messages: readonly Message[]) => string,
): TrainingExample {
  const plain: RenderedExample = { prompt: render(messages), completion };
  const { prompt } = plain;
  switch (lesson?.kind) {
    case undefined:
      return plain;
    case "weighted":
      return { ...plain, weight: lesson.weight };
    case "pair":
      return { prompt, chosen: completion, rejected: lesson.rejected.answer };
    case "label":
      return { ...plain, label: lesson.right };
    case "ranking":
      return {
        prompt,
        completions: [completion, ...lesson.others.map(({ answer }) => answer)],
        rewards: [lesson.score, ...lesson.others.map(({ score }) => score)],
      };
    case "view": {
      const view = { prompt, teacherPrompt: render(lesson.messages) };
      return recipe.retrain.method === "gkd" ? { ...view, completion } : view;
    }
    case "practice":
      return { prompt, task: tasks.train.find(({ id }) => id === taskId) as Task };
  }
}
