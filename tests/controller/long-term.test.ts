import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { promptsFrom } from "../../src/cli/prompts.js";
import { requireFits } from "../../src/controller/fits.js";
import { editLesson, forgetLesson, importLesson } from "../../src/controller/memory/by-hand.js";
import { lessonsFor, recallLessons, usableLessons } from "../../src/controller/memory/recall.js";
import { type LessonDraft, writeLesson } from "../../src/controller/memory/write.js";
import { frozenTasks } from "../../src/controller/run.js";
import { restIds } from "../../src/core/cluster.js";
import type { LessonLine } from "../../src/core/lesson-file.js";
import { heldOutLeaks } from "../../src/core/lesson-leaks.js";
import { eachRole } from "../../src/core/model.js";
import { policySchema } from "../../src/core/policy.js";
import type { Recipe } from "../../src/core/recipe.js";
import { memoryProblems } from "../../src/operations/verify-memory.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { digestOf } from "../support/digest.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-long-term-"));
const databaseIn = (where: string) => join(where, "memory", "redistill.db");
const family = "jsonl:sums";
const rule = "Carry the tens into the next column.";

const tasks = folder();

/** Runs share the split of tasks, unless `split` says otherwise. */
function recipeWith(seed: number, longTerm: object | null = {}, split = 3): Recipe {
  const recipe = sumsRecipe(tasks, { seed, longTerm });
  return { ...recipe, tasks: { ...recipe.tasks, seed: split } };
}

/** A first run that learns, then a second one of the same family in the same workspace. */
async function twoRuns(second: { longTerm?: object | null; split?: number } = {}) {
  const where = folder();
  const first = await scriptedRun(where, recipeWith(3));
  await first.work();
  first.store.close();
  const recipe = recipeWith(4, second.longTerm, second.split);
  const run = await scriptedRun(where, recipe, { runId: "sums-2" });
  await run.work();
  return { where, run, store: run.store };
}

/** The text of each request, with all of its messages. */
const requestsOf = ({ model }: ScriptedRun) =>
  model.ledger.map(({ request }) => request.messages.map(({ content }) => content).join("\n"));

const line = (text: string, changes: Partial<LessonLine> = {}): LessonLine => ({
  ...{ schema: "redistill-lesson", version: 1, family, cluster: null, texts: [text] },
  ...{ state: "active", reason: null, tasks: [] },
  counts: { shownRight: 0, shownTasks: 0, withheldRight: 0, withheldTasks: 0 },
  ...changes,
});

const held = (store: Store, run: string) =>
  (["gate", "sealed", "retention"] as const).flatMap((split) => store.tasks.ofSplit(run, split));

describe("a run that learns for later ones", () => {
  it("leaves lessons with the training tasks that speak for them, and what became of them", async () => {
    const where = folder();
    const { store, work } = await scriptedRun(where, recipeWith(3));
    await work();
    const [lesson, ...others] = store.longTerm.all(null);
    expect(others).toEqual([]);
    expect(lesson).toMatchObject({
      family,
      text: rule,
      state: "active",
      source: "run",
      learnedAt: 0,
    });
    expect(store.longTerm.clock(family)).toBe(2);
    const train = new Set(store.tasks.ofSplit("sums-1", "train").map(({ id }) => id));
    const evidence = store.longTerm.evidence(lesson!.id);
    expect(evidence.length).toBe(lesson!.tasks);
    expect(evidence.every(({ taskId }) => train.has(taskId))).toBe(true);
    // The second round was told what the first one learned; some of its tasks were not.
    expect(store.rounds.recalled.of("sums-1", 1)).toEqual([]);
    const told = store.rounds.recalled.of("sums-1", 2);
    expect(new Set(told.map(({ taskId }) => taskId)).size).toBe(20);
    expect(lesson!.usedAt).toBe(1);
    const { shownTasks, withheldTasks } = lesson!.counts;
    expect(shownTasks).toBe(told.filter(({ shown }) => shown).length);
    expect(withheldTasks).toBe(told.filter(({ shown }) => !shown).length);
    expect(withheldTasks).toBeGreaterThan(0);
    expect(store.longTerm.history(lesson!.id).map(({ kind }) => kind)).toContain("supported");
    store.close();
  });

  it("writes nothing with write: false, and reads nothing with read: false", async () => {
    const frozen = await twoRuns({ longTerm: { write: false } });
    expect(frozen.store.longTerm.clock(family)).toBe(2);
    expect(frozen.store.longTerm.ofRun("sums-2")).toEqual([]);
    expect(frozen.store.rounds.recalled.of("sums-2", 1).length).toBeGreaterThan(0);
    frozen.store.close();
    const deaf = await twoRuns({ longTerm: { read: false } });
    expect(deaf.store.rounds.recalled.of("sums-2", 1)).toEqual([]);
    expect(requestsOf(deaf.run).some((text) => text.includes("<lessons>"))).toBe(false);
    expect(deaf.store.longTerm.clock(family)).toBe(4);
    deaf.store.close();
  });
});

describe("a later run of the family", () => {
  it("tells its teacher, but never the student, and not the tasks that are left out", async () => {
    const { run, store } = await twoRuns();
    const told = store.rounds.recalled.of("sums-2", 1);
    const prompts = new Map(
      store.tasks.ofSplit("sums-2", "train").map(({ id, prompt }) => [id, prompt]),
    );
    const requests = requestsOf(run);
    const [shown, withheld] = [true, false].map((which) =>
      told.filter((use) => use.shown === which).map(({ taskId }) => prompts.get(taskId)!),
    );
    const saying = (prompt: string) => requests.filter((text) => text.includes(prompt));
    for (const prompt of shown!) {
      expect(saying(prompt).some((text) => text.includes(rule))).toBe(true);
    }
    const onlyOnce = new Set(store.rounds.load("sums-2", 2).elicited.map((id) => prompts.get(id)));
    for (const prompt of withheld!.filter((each) => !onlyOnce.has(each))) {
      expect(saying(prompt).some((text) => text.includes(`- ${rule}`))).toBe(false);
    }
    for (const { prompt } of held(store, "sums-2")) {
      expect(saying(prompt).some((text) => text.includes(rule))).toBe(false);
    }
    for (const { messages } of store.rounds.load("sums-2", 1).examples) {
      expect(JSON.stringify(messages)).not.toContain(rule);
    }
    store.close();
  });

  it("moves the confidence by what was right with the lesson and without", async () => {
    const { store } = await twoRuns();
    const [lesson] = store.longTerm.active(family);
    const { shownRight, shownTasks, withheldRight, withheldTasks } = lesson!.counts;
    // The scripted student is right three times in four with a lesson, one time in four without.
    expect(shownRight / shownTasks).toBeGreaterThan(withheldRight / withheldTasks);
    store.close();
  });

  it("says in its report what it was told, what came of it, and what it learned", async () => {
    const { store } = await twoRuns();
    const report = readReport(store, "sums-2", "UTC");
    expect(report.memory!.longTerm).toMatchObject({ family });
    const [round] = report.memory!.longTerm!.rounds;
    expect(round!.used[0]).toMatchObject({ text: rule });
    expect(round!.happened.map(({ kind }) => kind)).toContain("supported");
    for (const render of [renderMarkdown, renderTerminal, renderHtml]) {
      expect(render(report)).toMatch(/Told: .*Right with it: .* of \d+ tasks; without: /);
    }
    expect(report.howItWent.others).toEqual([]);
    expect(memoryProblems(store, store.runs.find("sums-2")!)).toEqual([]);
    expect(store.audit.lineage("sums-2")).toEqual([]);
    store.close();
  });

  it("ends with the same lessons when it is stopped; a round keeps the words that it began with", async () => {
    const calm = await twoRuns();
    calm.store.close();
    const where = folder();
    const first = await scriptedRun(where, recipeWith(3));
    await first.work();
    first.store.close();
    const recipe = recipeWith(4);
    for (const stopAt of [25, 140, Number.POSITIVE_INFINITY]) {
      const abort = new AbortController();
      let asked = 0;
      const part = await scriptedRun(where, recipe, {
        runId: "sums-2",
        script: (request, adapter) => {
          if (++asked === stopAt) abort.abort();
          return learner(request, adapter);
        },
      });
      await part.work(abort.signal).catch((error) => expect(error.kind).toBe("interrupted"));
      part.store.close();
    }
    expect(digestOf(databaseIn(where))).toEqual(digestOf(databaseIn(calm.where)));
  });

  it("shows a lesson that was edited meanwhile from the next round on", async () => {
    const where = folder();
    const first = await scriptedRun(where, recipeWith(3));
    await first.work();
    first.store.close();
    const abort = new AbortController();
    const part = await scriptedRun(where, recipeWith(4), {
      runId: "sums-2",
      script: (request, adapter) => {
        abort.abort();
        return learner(request, adapter);
      },
    });
    await part.work(abort.signal).catch(() => {});
    const [lesson] = part.store.longTerm.active(family);
    const words = "Write the carried digit above the next column, and count it there.";
    part.store.transaction(() => editLesson(part.store, lesson!, words));
    part.store.close();
    const rest = await scriptedRun(where, recipeWith(4), { runId: "sums-2" });
    await rest.work();
    const texts = (round: number) =>
      new Set(rest.store.rounds.recalled.of("sums-2", round).map(({ text }) => text));
    expect(texts(1)).toEqual(new Set([rule]));
    expect(texts(2)).toContain(words);
    // What round 1 saw was the former version: it says nothing of the new one.
    const now = rest.store.longTerm.find(lesson!.id)!;
    expect(now.version).toBe(2);
    expect(now.counts.shownTasks + now.counts.withheldTasks).toBeLessThanOrEqual(20);
    rest.store.close();
  });
});

describe("nothing of a held-out task", () => {
  it("reaches a run with a lesson that was learned from one of its own", async () => {
    // With another split, tasks that the first run learned from measure the second one.
    const { run, store } = await twoRuns({ split: 11 });
    const rows = store.longTerm.ofRun("sums-2");
    const refused = rows.filter(({ kind }) => kind === "refused");
    expect(refused).toHaveLength(1);
    expect(refused[0]!.reason).toContain("it was learned from a task like held-out task");
    expect(store.rounds.recalled.of("sums-2", 1)).toEqual([]);
    expect(requestsOf(run).some((text) => text.includes("<lessons>"))).toBe(false);
    store.close();
  });

  it("is taken from a coach, an import or an edit", async () => {
    const { store } = await twoRuns();
    const run = store.runs.find("sums-2")!;
    const train = store.tasks.ofSplit("sums-2", "train");
    const evidence = (taskId: string) => ({
      ...{ round: 1, taskId, attemptId: null, critiqueId: null, revisionId: null },
    });
    const draft = (text: string, taskId = train[0]!.id): LessonDraft => ({
      ...{ text, cluster: null, source: "coach" as const, evidence: [evidence(taskId)] },
    });
    const before = store.longTerm.all(null);
    const written = (each: LessonDraft) =>
      store.transaction(() => writeLesson(store, run, 1, each));
    for (const task of held(store, "sums-2")) {
      expect(written(draft(task.prompt))).toHaveProperty("refused");
      expect(written(draft(`Say ${task.reference} when in doubt.`))).toHaveProperty("refused");
      expect(written(draft("Look at the units first.", task.id))).toHaveProperty("refused");
      expect(importLesson(store, line(task.prompt))).toHaveProperty("fault");
    }
    const { prompt } = held(store, "sums-2")[0]!;
    expect(() => editLesson(store, before[0]!, prompt)).toThrow(/was not edited: it resembles/);
    expect(store.longTerm.all(null)).toEqual(before);
    store.close();
  });

  it("is shown unnoticed: verify looks at the tasks that a lesson was learned from, as they were then", async () => {
    const { store } = await twoRuns({ split: 11 });
    const [lesson] = store.longTerm.active(family);
    const problemsOf = (id: string) => memoryProblems(store, store.runs.find(id)!);
    // A task that measured the first run speaks for the lesson in the second one: the first could not know it.
    const measured = new Set(held(store, "sums-1").map(({ prompt }) => prompt));
    const { id: later } = store.tasks
      .ofSplit("sums-2", "train")
      .find(({ prompt }) => measured.has(prompt))!;
    const unsaid = { attemptId: null, critiqueId: null, revisionId: null };
    store.transaction(() => {
      const evidence = [{ round: 2, taskId: later, ...unsaid }];
      store.longTerm.addEvidence(lesson!.id, "sums-2", evidence);
      const event = { lessonId: lesson!.id, kind: "supported" as const, version: 1, reason: null };
      store.longTerm.note(event, { runId: "sums-2", round: 2 });
    });
    const now = store.longTerm.learnedFrom([lesson!]);
    expect(heldOutLeaks(held(store, "sums-1"), 0.8, now).size).toBe(1);
    expect(store.rounds.recalled.of("sums-1", 2).length).toBeGreaterThan(0);
    expect(problemsOf("sums-1")).toEqual([]);
    // What the loop refuses to do is found where it was done.
    const taskId = store.rounds.load("sums-2", 2).elicited[0]!;
    const use = { taskId, lessonId: lesson!.id, version: 1, text: rule, shown: true };
    store.transaction(() => store.rounds.recalled.insertAll("sums-2", 2, [use]));
    expect(problemsOf("sums-2").map(({ what }) => what)).toEqual([
      expect.stringMatching(/version 1, although it was learned from a task like held-out task/),
    ]);
    store.close();
  });

  it("is written even by what goes round these checks", async () => {
    const { store, where } = await twoRuns();
    const gate = store.tasks.ofSplit("sums-2", "gate")[0]!;
    const [lesson] = store.longTerm.active(family);
    const none = { attemptId: null, critiqueId: null, revisionId: null };
    const measured = { round: 1, taskId: gate.id, ...none };
    expect(() => store.longTerm.addEvidence(lesson!.id, "sums-2", [measured])).toThrow(
      /training tasks/,
    );
    const use = { taskId: gate.id, lessonId: lesson!.id, version: 1, text: rule, shown: true };
    expect(() => store.rounds.recalled.insertAll("sums-2", 1, [use])).toThrow(/training tasks/);
    // Words that were changed in the database itself are refused when they are read, and found by verify.
    const db = new Database(databaseIn(where));
    db.prepare("UPDATE memory_versions SET text = ?").run(gate.prompt);
    db.close();
    const run = store.runs.find("sums-2")!;
    expect(usableLessons(store, run).usable).toEqual([]);
    expect(lessonsFor(store, run, { limit: 9 })).toEqual([]);
    expect(memoryProblems(store, run)[0]!.what).toContain("resembles held-out task");
    store.close();
  });
});

describe("a lesson made of a task's own failures", () => {
  it("is told before one that is as close, where a policy reads clusters, and only there", async () => {
    const where = folder();
    const base = recipeWith(3, { lessons: 1 });
    const recipe = { ...base, policy: policySchema.parse({ kind: "adaptive", validation: 4 }) };
    const { store, model, work } = await scriptedRun(where, recipe);
    await work();
    const run = store.runs.find("sums-1")!;
    const ofTasks = store.clusters.ofTasks("sums-1", 3);
    const [failed] = store.clusters
      .failures("sums-1", 3)
      .filter(({ clusterId }) => clusterId !== restIds.wrong);
    // A task of the same cluster, other than the one that speaks for the lesson.
    const [taskId] = [...ofTasks].find(
      ([id, cluster]) => cluster === failed!.clusterId && id !== failed!.taskId,
    )!;
    const { prompt } = store.tasks.ofSplit("sums-1", "train").find(({ id }) => id === taskId)!;
    const own = "Look at each column by itself.";
    store.transaction(() => {
      for (const lesson of store.longTerm.active(family)) forgetLesson(store, lesson);
      const evidence = [{ ...failed!, revisionId: null }];
      writeLesson(store, run, 2, { text: own, cluster: null, source: "run", evidence });
      // By its words this one is the closest that there can be.
      importLesson(store, line("Read the signs before anything else.", { tasks: [prompt] }));
    });
    const prompts = promptsFrom(store.runs.prompts("sums-1"));
    const tasks = frozenTasks(store, "sums-1");
    const models = eachRole(() => model);
    const context = { store, models, prompts, tasks, signal: new AbortController().signal };
    const told = async (policy: Recipe["policy"]) => {
      const row = { ...run, recipe: { ...run.recipe, policy } };
      const { recalled } = await recallLessons(context, row, [taskId], 3);
      return recalled.map(({ text }) => text);
    };
    expect(await told(run.recipe.policy)).toEqual([own]);
    expect(await told({ kind: "fixed" })).toEqual(["Read the signs before anything else."]);
    store.close();
  });
});

describe("the tokens of lessons", () => {
  const rulesOf = async (longTerm: object) => {
    const where = folder();
    const run = await scriptedRun(where, recipeWith(3, longTerm));
    const words = (n: number) => Array.from({ length: 9 }, (_, i) => `word${n}x${i}`).join(" ");
    run.store.transaction(() => {
      for (let n = 0; n < 5; n++) expect(importLesson(run.store, line(`${words(n)}.`))).toBe(true);
    });
    await run.work();
    const uses = run.store.rounds.recalled.of("sums-1", 1);
    const [most] = [...new Set(uses.map(({ taskId }) => taskId))].map(
      (task) => uses.filter(({ taskId }) => taskId === task).length,
    );
    run.store.close();
    return most ?? 0;
  };

  it("are held, and so is their number", async () => {
    // The scripted model counts words: nine of a lesson, and its dash.
    expect(await rulesOf({ tokens: 1000 })).toBe(4);
    expect(await rulesOf({ tokens: 1000, lessons: 3 })).toBe(3);
    expect(await rulesOf({ tokens: 24 })).toBe(2);
    expect(await rulesOf({ tokens: 16 })).toBe(1);
  });

  it("are counted before anything is paid for", async () => {
    const where = folder();
    const { store, model } = await scriptedRun(where, recipeWith(3));
    const split = frozenTasks(store, "sums-1");
    const snapshots = store.runs.prompts("sums-1");
    const fits = (tokens: number) =>
      requireFits(
        recipeWith(3, { tokens }),
        split,
        promptsFrom(snapshots),
        eachRole(() => model),
      );
    await fits(512);
    await expect(fits(1000)).rejects.toThrow(/with 1000 for what is remembered/);
    store.close();
  });
});

describe("lessons of one family", () => {
  async function withRun() {
    const where = folder();
    const run = await scriptedRun(where, recipeWith(3, { cap: 2 }));
    await run.work();
    const row = run.store.runs.find("sums-1")!;
    const [{ id, counts } = { id: "", counts: null }] = run.store.longTerm.active(family);
    const helped = { shownRight: 9, shownTasks: 10, withheldRight: 0, withheldTasks: 4 };
    run.store.longTerm.setCounts(id, { ...counts!, ...helped });
    const write = (text: string, changes: Partial<LessonDraft> = {}) =>
      run.store.transaction(() =>
        writeLesson(run.store, row, 2, {
          ...{ text, cluster: null, source: "coach", evidence: [] },
          ...changes,
        }),
      );
    return { store: run.store, row, write };
  }
  const idOf = (written: ReturnType<typeof writeLesson>) => ("id" in written ? written.id : "");

  it("that contradict each other: the weaker is retired with the reason", async () => {
    const { store, write } = await withRun();
    const [carry] = store.longTerm.active(family);
    const contrary = idOf(write("Never carry the tens into the next column."));
    expect(store.longTerm.find(contrary)).toMatchObject({
      ...{ state: "retired", retiredFor: "contradicted" },
      reason: `it contradicts ${carry!.id}: ${rule}`,
    });
    expect(store.longTerm.active(family)).toHaveLength(1);
    expect(store.longTerm.history(contrary).map(({ kind }) => kind)).toEqual([
      "learned",
      "retired",
    ]);
    store.close();
  });

  it("beyond the cap: the least valuable is retired, and comes back when it is learned again", async () => {
    const { store, write } = await withRun();
    const [one, two] = ["Read the signs before the numbers.", "Check the last digit by itself."];
    const [first, second] = [idOf(write(one!)), idOf(write(two!))];
    const states = () => [first, second].map((id) => store.longTerm.find(id)!.retiredFor);
    expect(states().filter((state) => state === "cap")).toHaveLength(1);
    expect(store.longTerm.active(family)).toHaveLength(2);
    const gone = states()[0] === "cap" ? one! : two!;
    expect(idOf(write(gone))).not.toBe("");
    const kinds = store.longTerm.history(gone === one ? first : second).map(({ kind }) => kind);
    expect(kinds).toContain("revived");
    store.close();
  });

  it("that say the same are one, whatever run says it", async () => {
    const { store, write } = await withRun();
    const before = store.longTerm.all(null).length;
    const id = idOf(write("carry the tens into the next column"));
    expect(store.longTerm.find(id)!.text).toBe(rule);
    expect(store.longTerm.all(null)).toHaveLength(before);
    store.close();
  });

  it("are found by their words and by the tasks that they were learned from", async () => {
    const { store, row, write } = await withRun();
    write("Read the minus sign twice.");
    expect(lessonsFor(store, row, { about: "which minus sign is it", limit: 1 })).toEqual([
      "Read the minus sign twice.",
    ]);
    const { id } = store.longTerm.active(family)[0]!;
    const words = store.longTerm.evidence(id)[0]!.prompt.match(/\d+/g)!;
    expect([...store.longTerm.relevance(family, words).keys()]).toContain(id);
    expect(store.longTerm.relevance("another", words).size).toBe(0);
    store.close();
  });
});
