import type { Task } from "../../../core/entities.js";
import { seedFor } from "../../../core/hash.js";
import type { Preference } from "../../../core/judge.js";
import { shuffled } from "../../../core/random.js";
import { learnsFromJudge, learnsFromWrong } from "../../../core/retrain.js";
import type { StageInput } from "../../types.js";
import { type Answered, answersByTask, answersOf, distinct } from "../lessons/answers.js";
import { elicitedTasks } from "../requests.js";

/** Two answers to one task that a judge is asked to compare. */
export interface Pair {
  readonly task: Task;
  readonly purpose: Preference["purpose"];
  readonly first: Answered;
  readonly second: Answered;
}

/** Verdicts of these come from models: they cannot say whether a judge is right. */
const selfMade = ["rubric", "majority"];

/**
 * The pairs of a round. For training: distinct complete answers that verifiers do not set apart (the
 * same outcome and the same score), where the recipe learns from such pairs. For calibration: a right
 * and a wrong answer each, so that the judge is measured where the truth is known.
 */
export function pairsToJudge(input: StageInput): Pair[] {
  const { recipe, round } = input;
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  const seed = (...parts: (string | number)[]) => seedFor(recipe.seed, "judge", round, ...parts);
  const groups = answersByTask(answersOf(input).filter(({ item }) => !item.truncated)).map(
    (group) => ({ task: tasks.get(group[0]!.item.taskId) as Task, answers: distinct(group) }),
  );
  const training = learnsFromJudge(recipe.retrain)
    ? groups.flatMap(({ task, answers }) =>
        alike(answers, learnsFromWrong(recipe.retrain))
          .flatMap((same) => neighbours(shuffled(same, seed("training", task.id))))
          .slice(0, recipe.judge?.perTask)
          .map(([first, second]): Pair => ({ task, purpose: "training", first, second })),
      )
    : [];
  const known = groups.flatMap(({ task, answers }): Pair[] => {
    const [right, wrong] = (["ok", "wrong"] as const).map(
      (outcome) =>
        shuffled(
          answers.filter(
            ({ item: { verdict } }) =>
              verdict.outcome === outcome && !selfMade.includes(verdict.verifier),
          ),
          seed("calibration", task.id, outcome),
        )[0],
    );
    if (right === undefined || wrong === undefined) return [];
    const [first, second] = shuffled([right, wrong], seed("order", task.id)) as [
      Answered,
      Answered,
    ];
    return [{ task, purpose: "calibration", first, second }];
  });
  const calibration = shuffled(known, seed("calibration")).slice(0, recipe.judge?.calibration);
  return [...training, ...calibration];
}

/** Answers of one outcome and score: right ones, then ungradable ones, then wrong ones if wanted. */
function alike(answers: readonly Answered[], withWrong: boolean): Answered[][] {
  const groups = new Map<string, Answered[]>();
  for (const outcome of ["ok", "ungradable", ...(withWrong ? ["wrong"] : [])]) {
    for (const answer of answers.filter(({ item }) => item.verdict.outcome === outcome)) {
      const key = `${outcome} ${answer.item.verdict.score}`;
      groups.set(key, [...(groups.get(key) ?? []), answer]);
    }
  }
  return [...groups.values()];
}

/** Each with the next one: every further pair brings an answer that was not compared yet. */
function neighbours<T>(items: readonly T[]): [T, T][] {
  return items.slice(1).map((item, i) => [items[i]!, item]);
}
