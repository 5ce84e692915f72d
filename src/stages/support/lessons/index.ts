import type { Example, Task, TokenLogprob } from "../../../core/entities.js";
import { RedistillError } from "../../../core/errors.js";
import type { RenderedExample, TrainingExample } from "../../../core/ports.js";
import { hasRewardModel, type RetrainSettings } from "../../../core/retrain.js";
import type { StageInput, StagePorts } from "../../types.js";
import type { Gathered } from "./answers.js";
import { distributions } from "./distributions.js";
import { teacherParts } from "./feedback.js";
import { imitation, weightedImitation } from "./imitation.js";
import { labels } from "./labels.js";
import { pairs } from "./pairs.js";
import { practice, practiceWithFeedback } from "./practice.js";
import { rankings } from "./rankings.js";
import { attemptViews, revisedViews, revisionViews } from "./views.js";

/** What this round's answers offer to the recipe's training method. */
export function gather(input: StageInput): Gathered {
  return gathererOf(input.recipe.retrain)(input);
}

function gathererOf(retrain: RetrainSettings): (input: StageInput) => Gathered {
  switch (retrain.method) {
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
    case "sdpo":
      return practiceWithFeedback;
    case "distill":
      return distributions;
    case "grpo":
      return hasRewardModel(retrain) ? practiceWithPairs : practice;
  }
}

/** Tasks to practise, and the preferences that a reward model is made of. */
function practiceWithPairs(input: StageInput): Gathered {
  const [tried, preferred] = [practice(input), pairs(input)];
  return {
    kept: [...tried.kept, ...preferred.kept],
    refusals: [...tried.refusals, ...preferred.refusals],
  };
}

/** What the examples of a method are called in a sentence. */
export function nounOf({ method }: RetrainSettings): string {
  const nouns = {
    ...{ sft: "examples", dpo: "pairs", orpo: "pairs", kto: "labels", rrhf: "rankings" },
    ...{
      sdft: "views",
      gkd: "views",
      distill: "answers",
      sdpo: "tasks to practise",
      grpo: "tasks to practise",
    },
  };
  return nouns[method];
}

/** Why these examples cannot be trained on although there are enough of them; null if they can. */
export function unusable(learned: readonly Example[], retrain: RetrainSettings): string | null {
  const ofKind = (kind: string) => learned.filter(({ lesson }) => lesson?.kind === kind).length;
  if (hasRewardModel(retrain)) {
    if (ofKind("practice") > 0 && ofKind("pair") > 0) return null;
    return `${ofKind("practice")} tasks to practise and ${ofKind("pair")} pairs; grpo with a reward model needs both`;
  }
  if (retrain.method !== "kto") return null;
  const right = learned.filter(({ lesson }) => lesson?.kind === "label" && lesson.right).length;
  if (right > 0 && right < learned.length) return null;
  return `all ${learned.length} labels are ${right > 0 ? "right" : "wrong"}; kto learns from both`;
}

/** An example as the trainer takes it. */
export function rendered(
  { taskId, messages, completion, lesson }: Example,
  input: StageInput,
  { render, logprobs }: Pick<StagePorts, "render" | "logprobs">,
): TrainingExample {
  const plain: RenderedExample = { prompt: render(messages), completion };
  const { prompt } = plain;
  const task = input.tasks.train.find(({ id }) => id === taskId) as Task;
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
      return input.recipe.retrain.method === "gkd" ? { ...view, completion } : view;
    }
    case "distribution":
      return { ...plain, logprobs: given(logprobs(lesson.callKey), completion) };
    case "practice":
      return { prompt, task };
    case "feedback": {
      const { solution, critiques } = lesson;
      return { prompt, task, solution, critiques, ...teacherParts(input, task, render) };
    }
  }
}

/** Asked for is not given: a served model may leave them out of an answer. */
function given(logprobs: readonly TokenLogprob[] | null, answer: string): readonly TokenLogprob[] {
  if (logprobs !== null) return logprobs;
  throw new RedistillError(
    "model",
    `the model gave no log-probabilities with the answer ${JSON.stringify(answer.slice(0, 80))}`,
    "Take retrain.method sft, which needs none, or a model that gives them with every answer.",
  );
}
