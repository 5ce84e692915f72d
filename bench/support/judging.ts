import type { Attempt, CallRequest, Completion, Outcome, Task } from "../../src/core/entities.js";
import { sha256, stableId } from "../../src/core/hash.js";
import type { ChatModel, Complete } from "../../src/core/ports.js";
import { recipeSchema } from "../../src/core/recipe.js";
import { emptyRound, type RoundRows } from "../../src/core/round.js";
import { taskFrom } from "../../src/sources/jsonl.js";
import { orderTasks } from "../../src/sources/orders.js";
import { judge } from "../../src/stages/judge.js";
import { createVerify } from "../../src/verifiers/index.js";
import { promptsOf } from "./quickstart.js";

export interface JudgedByModel {
  readonly rows: RoundRows;
  readonly asked: readonly CallRequest[];
  readonly completions: readonly Completion[];
}

/**
 * What a model says as judge of pairs whose better answer is known: customers' orders with the right
 * line and one in which the quantity is off by one, through the stage and the packaged prompts.
 */
export async function judgedBy(model: ChatModel, pairs: number): Promise<JudgedByModel> {
  const recipe = recipeSchema.parse({
    ...{ name: "judge", rounds: 1, judge: { calibration: pairs } },
    tasks: { source: "orders", train: pairs, gate: 1 },
  });
  const train = orderTasks(pairs, recipe.seed).map((line) => taskFrom(line, "train"));
  const attempts = await attemptsAt(train);
  const rows = { ...emptyRound, elicited: train.map(({ id }) => id), attempts };
  const asked: CallRequest[] = [];
  const completions: Completion[] = [];
  const complete: Complete = async (requests) => {
    const answers = await answersOf(model, requests);
    asked.push(...requests);
    completions.push(...answers);
    return answers;
  };
  const input = {
    ...{ recipe, round: 1, incumbent: null, candidate: null, earlierExamples: [] },
    earlierLessons: [],
    ...{ earlierClusters: [], earlierLooks: [], plannedTasks: null },
    tasks: { train, replay: [], gate: [], sealed: [], retention: [] },
    prompts: promptsOf(recipe).prompts,
    rows,
  };
  const { rows: written } = await judge(input, { complete } as Parameters<typeof judge>[1]);
  return { rows: { ...rows, ...written }, asked, completions };
}

async function attemptsAt(tasks: readonly Task[]): Promise<Attempt[]> {
  const written = tasks.flatMap((task) => {
    const right = task.reference as string;
    const wrong = right.replace(/\| (\d+) \|/, (_, count: string) => `| ${Number(count) + 1} |`);
    return [right, wrong].map((answer) => ({ task, answer }));
  });
  const verdicts = await createVerify({})(written);
  return written.map(({ task, answer }, i): Attempt => {
    const expected: Outcome = answer === task.reference ? "ok" : "wrong";
    if (verdicts[i]!.outcome !== expected) throw new Error(`${answer} is not ${expected}`);
    return {
      ...{ id: stableId("attempt", task.id, i % 2), taskId: task.id, index: i % 2 },
      ...{ callKey: sha256([task.id, i]), answer, truncated: false, verdict: verdicts[i]! },
    };
  });
}

async function answersOf(
  model: ChatModel,
  requests: readonly CallRequest[],
): Promise<Completion[]> {
  const answers = new Map<number, Completion>();
  const { signal } = new AbortController();
  await model.sample(requests, {
    ...{ adapter: null, signal },
    onResult: (index, generation) =>
      answers.set(index, { ...generation, callKey: sha256(requests[index]) }),
  });
  return requests.map((_, index) => answers.get(index)!);
}
