import { stableId } from "../core/hash.js";
import { agreed, type JudgedCall, type Preference } from "../core/judge.js";
import { type Prompt, renderPrompt } from "../core/prompt.js";
import { judgeFiguresOf } from "../stats/index.js";
import { askJudge, type JudgeQuestion, type Said } from "./support/judging/ask.js";
import { type Pair, pairsToJudge } from "./support/judging/pairs.js";
import { markFor, withoutControlTokens } from "./support/judging/quoted.js";
import { type Choice, choiceForm, readChoice } from "./support/judging/read.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * A judge compares answers that verifiers do not set apart, and some that they do, which measures
 * it. Each pair is asked in both orders; only what it says both times is a preference (Zheng et al.
 * 2023). Nothing of this reaches the gate.
 */
export async function judge(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { judge: prompt, repair } = input.prompts;
  if (input.recipe.judge === null || prompt === null || repair === null) {
    return { rows: {}, summary: { pairs: 0 } };
  }
  const pairs = pairsToJudge(input);
  const questions = pairs.flatMap((pair) => [
    questionOf(input, prompt, pair, "forward"),
    questionOf(input, prompt, pair, "backward"),
  ]);
  const said = await askJudge(questions, ports.complete, repair);
  const preferences = pairs.map((pair, i): Preference => {
    const forward = callOf(said[2 * i]!, "forward");
    const backward = callOf(said[2 * i + 1]!, "backward");
    return {
      id: idOf(pair, prompt),
      taskId: pair.task.id,
      purpose: pair.purpose,
      first: { source: pair.first.source, sourceId: pair.first.item.id },
      second: { source: pair.second.source, sourceId: pair.second.item.id },
      forward,
      backward,
      outcome: agreed(forward.outcome, backward.outcome),
      promptHash: prompt.hash,
    };
  });
  const { preferred, ungradable, consistent, agreement } = judgeFiguresOf({
    ...input.rows,
    preferences,
  });
  return {
    rows: { preferences },
    summary: {
      pairs: pairs.length,
      preferred,
      ungradable,
      "both orders alike": `${consistent.count}/${consistent.of}`,
      "with the verifier": `${agreement.count}/${agreement.of}`,
    },
  };
}

type Order = "forward" | "backward";

function idOf({ first, second }: Pair, prompt: Prompt): string {
  return stableId("preference", first.item.id, second.item.id, prompt.hash);
}

function questionOf(
  { recipe }: StageInput,
  prompt: Prompt,
  pair: Pair,
  order: Order,
): JudgeQuestion<Choice> {
  const shown = order === "forward" ? [pair.first, pair.second] : [pair.second, pair.first];
  const texts = [pair.task.prompt, ...shown.map(({ item }) => item.answer)];
  const [task, first, second] = texts.map(withoutControlTokens) as [string, string, string];
  const seedParts = [recipe.seed, "judge", idOf(pair, prompt), order];
  const mark = markFor([task, first, second], ...seedParts);
  return {
    messages: renderPrompt(prompt, { task, first, second, mark }),
    maxTokens: recipe.judge?.maxTokens ?? 0,
    seedParts,
    form: choiceForm,
    read: readChoice,
  };
}

function callOf({ callKey, repaired, said }: Said<Choice>, order: Order): JudgedCall {
  if (said === null) return { callKey, repaired, outcome: "ungradable" };
  if (said === "tie") return { callKey, repaired, outcome: "tie" };
  return {
    callKey,
    repaired,
    outcome: (said === "A") === (order === "forward") ? "first" : "second",
  };
}
