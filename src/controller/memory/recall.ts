import { restIds } from "../../core/cluster.js";
import type { Task } from "../../core/entities.js";
import { isShown, type LongTermLesson, type RecalledLesson, ranked } from "../../core/lesson.js";
import { heldOutLeaks } from "../../core/lesson-leaks.js";
import { familyOf } from "../../core/long-term.js";
import type { ChatModel } from "../../core/ports.js";
import { withLessons } from "../../stages/support/memory/recall.js";
import { studentMessages } from "../../stages/support/requests.js";
import type { StagePrompts } from "../../stages/types.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import type { RunContext } from "../unit.js";
import { closenessByWords, closenessTo } from "./closeness.js";

/** The lessons that a round's tasks are given, and those that this run may not see. */
export interface Recall {
  readonly recalled: readonly RecalledLesson[];
  readonly refused: readonly { readonly lesson: LongTermLesson; readonly reason: string }[];
}

/**
 * Which lessons of its family fit the tasks that a round takes up, the best-ranked first, within the recipe's number
 * and tokens; those that were made of the failures that a task's own are like before others that are as close. But for vectors that were not there it writes nothing: the rows are written with the round's tasks, so
 * that a resumed round sees the same ones.
 */
export async function recallLessons(
  context: Pick<RunContext, "store" | "models" | "prompts" | "tasks" | "embedding" | "signal">,
  run: RunRow,
  elicited: readonly string[],
  round: number,
): Promise<Recall> {
  const { store, models, prompts, tasks } = context;
  const settings = run.recipe.longTerm;
  if (settings === null || !settings.read) return { recalled: [], refused: [] };
  const family = familyOf(run.recipe);
  const now = store.longTerm.clock(family);
  const { usable, refused } = usableLessons(store, run);
  const fits = createBudget(models.teacher, prompts, settings.tokens);
  const byId = new Map(tasks.train.map((task) => [task.id, task]));
  const promptOf = (taskId: string) => (byId.get(taskId) as Task).prompt;
  const closeness = await closenessTo(context, run, usable, elicited.map(promptOf));
  const kinOf = lessonsOfSameCluster(store, run, round);
  const recalled: RecalledLesson[] = [];
  for (const taskId of elicited) {
    const chosen: LongTermLesson[] = [];
    for (const lesson of ranked(usable, closeness(promptOf(taskId)), now, kinOf(taskId))) {
      if (chosen.length === settings.lessons) break;
      if (await fits([...chosen, lesson].map(({ text }) => text))) chosen.push(lesson);
    }
    for (const { id: lessonId, version, text } of chosen) {
      const shown = isShown(run.recipe.seed, round, taskId, lessonId);
      recalled.push({ taskId, lessonId, version, text, shown });
    }
  }
  return { recalled, refused };
}

/**
 * By task, the lessons that come from the cluster of its failures so far, where a policy reads clusters: without one a
 * round's questions are what its recipe alone makes them. The rest, of what found no group, is no cluster.
 */
function lessonsOfSameCluster(
  store: Store,
  run: RunRow,
  round: number,
): (taskId: string) => ReadonlySet<string> {
  const none: ReadonlySet<string> = new Set();
  if (run.recipe.policy.kind === "fixed") return () => none;
  const ofTasks = store.clusters.ofTasks(run.id, round);
  const ofClusters = store.longTerm.byCluster(run.id);
  ofClusters.delete(restIds.wrong);
  return (taskId) => ofClusters.get(ofTasks.get(taskId) ?? "") ?? none;
}

/** The lessons in use of a run's family, without those that could give one of its held-out tasks away. */
export function usableLessons(
  store: Store,
  run: RunRow,
): { usable: LongTermLesson[]; refused: Recall["refused"] } {
  const lessons = store.longTerm.active(familyOf(run.recipe));
  const leaks = heldOutLeaks(
    heldOutTasks(store, run.id),
    run.recipe.curate.nearDuplicate,
    store.longTerm.learnedFrom(lessons),
  );
  return {
    usable: lessons.filter(({ id }) => !leaks.has(id)),
    refused: lessons.flatMap((lesson) => {
      const reason = leaks.get(lesson.id);
      return reason === undefined ? [] : [{ lesson, reason }];
    }),
  };
}

/** All that a run measures by. */
export function heldOutTasks(store: Store, runId: string): Task[] {
  return (["gate", "sealed", "retention"] as const).flatMap((split) =>
    store.tasks.ofSplit(runId, split),
  );
}

/** The lessons that a run may see, best first for some text, each as one line for a coach to read. */
export function lessonsFor(
  store: Store,
  run: RunRow,
  { about = "", limit }: { readonly about?: string; readonly limit: number },
): string[] {
  const family = familyOf(run.recipe);
  const relevance = closenessByWords(store, family, about);
  const { usable } = usableLessons(store, run);
  return ranked(usable, relevance, store.longTerm.clock(family))
    .slice(0, limit)
    .map(({ text }) => text);
}

/** Whether some lessons add no more than so many tokens to a question, as the model counts; each set is counted once. */
function createBudget(
  model: ChatModel,
  prompts: StagePrompts,
  tokens: number,
): (lessons: readonly string[]) => Promise<boolean> {
  const known = new Map<string, Promise<number>>();
  const lengthWith = (lessons: readonly string[]) => {
    const asked = studentMessages(prompts.student, { prompt: "?" });
    const text = model.render(withLessons(prompts, lessons, asked));
    const length = known.get(text) ?? model.countTokens([text]).then(([count]) => count!);
    known.set(text, length);
    return length;
  };
  return async (lessons) => (await lengthWith(lessons)) - (await lengthWith([])) <= tokens;
}
