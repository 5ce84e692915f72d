import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { usableLessons } from "../../src/controller/memory/recall.js";
import { frozenTasks } from "../../src/controller/run.js";
import type { Script } from "../../src/models/scripted.js";
import { collectTasks } from "../../src/sources/index.js";
import { proposal, saying } from "../support/coach.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const where = mkdtempSync(join(tmpdir(), "redistill-coach-lessons-"));
afterAll(() => rmSync(where, { recursive: true, force: true }));

const rule = "Look at each column by itself.";
/** To some tasks it gives no number, which is no wrong answer; the coach writes of the cluster of wrong ones. */
const script: Script = (request, adapter) => {
  if (request.messages[0]?.content.startsWith("You plan the next training round")) {
    return saying(proposal({ lesson: { cluster: "c1", text: rule } }))(request);
  }
  const text = request.messages.at(-1)?.content ?? "";
  const answer = learner(request, adapter);
  const isOdd = /^<task>Calculate \d*[37] \+[^<]*<.task>$/.test(text);
  return isOdd ? "I do not know." : answer;
};

/** `train` of the first run's tasks may be learned from; later ones measure by few tasks, of another split. */
function recipeOf(split: number, changes: { train: number; gate: number }) {
  const policy = { kind: "coach", validation: 4 };
  const more = { elicit: { tasksPerRound: 30 }, policy, longTerm: {} };
  const recipe = { ...sumsRecipe(where, more), roles: {} };
  return { ...recipe, tasks: { ...recipe.tasks, ...changes, sealed: 0, seed: split } };
}

describe("a coach's lesson", () => {
  let first: ScriptedRun;
  beforeAll(async () => {
    first = await scriptedRun(where, recipeOf(3, { train: 60, gate: 40 }), { script });
    await first.work();
  });
  afterAll(() => first.store.close());
  const lessonOf = ({ store }: ScriptedRun) =>
    store.longTerm.all(null).find(({ text }) => text === rule)!;

  it("names all of its cluster's tasks, with attempt and critique, and all others that its coach could read of", () => {
    const { store } = first;
    const lesson = lessonOf(first);
    const evidence = store.longTerm.evidence(lesson.id);
    const { attempts, critiques, clusters } = store.rounds.load("sums-1", 1);
    const taskOf = new Map(attempts.map(({ id, taskId }) => [id, taskId]));
    const tasksOf = (ids: readonly string[]) => new Set(ids.map((id) => taskOf.get(id)!));
    const own = tasksOf(
      clusters.members
        .filter(({ clusterId }) => clusterId === lesson.cluster)
        .map(({ attemptId }) => attemptId),
    );
    const speaking = evidence.filter(({ attemptId }) => attemptId !== null);
    expect(own.size).toBeGreaterThan(8);
    expect(new Set(speaking.map(({ taskId }) => taskId))).toEqual(own);
    expect(lesson.tasks).toBe(own.size);
    const said = new Map(critiques.map(({ id, attemptId }) => [id, attemptId]));
    for (const { attemptId, critiqueId, taskId } of speaking) {
      expect(taskOf.get(attemptId!)).toBe(taskId);
      if (critiqueId !== null) expect(said.get(critiqueId)).toBe(attemptId);
    }
    expect(speaking.some(({ critiqueId }) => critiqueId !== null)).toBe(true);
    const known = new Set(evidence.map(({ taskId }) => taskId));
    const read = tasksOf(critiques.map(({ attemptId }) => attemptId));
    expect([...read].filter((id) => !known.has(id))).toEqual([]);
    expect([...read].some((id) => !own.has(id))).toBe(true);
  });

  it("is not told to a run of another split that measures by any of these tasks", async () => {
    const lesson = lessonOf(first);
    const evidence = first.store.longTerm.evidence(lesson.id);
    const prompts = new Set(evidence.map(({ prompt }) => prompt));
    const { train } = frozenTasks(first.store, "sums-1");
    const failed = first.store.clusters.ofTasks("sums-1", 2);
    const eight = train.filter(({ id }) => failed.get(id) === lesson.cluster).slice(0, 8);
    const begins = new Set(eight.map(({ prompt }) => prompt));
    // A split that holds out what the lesson comes from, but none of the cluster's first eight tasks.
    const absent = () => Promise.reject(new Error("no generator here"));
    for (let split = 4; ; split++) {
      const recipe = recipeOf(split, { train: 60, gate: 6 });
      const { tasks } = await collectTasks(recipe, { tasks: absent, score: absent });
      const gate = tasks.filter(({ split: of }) => of === "gate").map(({ prompt }) => prompt);
      if (gate.some((each) => begins.has(each)) || !gate.some((each) => prompts.has(each)))
        continue;
      const second = await scriptedRun(where, recipe, { script, runId: "sums-2" });
      const { usable, refused } = usableLessons(second.store, second.store.runs.find("sums-2")!);
      expect(usable.map(({ id }) => id)).not.toContain(lesson.id);
      const why = refused.find((each) => each.lesson.id === lesson.id)!.reason;
      expect(why).toContain("learned from a task like held-out task");
      second.store.close();
      return;
    }
  });
});
