import { describe, expect, it } from "vitest";
import { keepLesson } from "../../src/controller/coach/lesson.js";
import { importLesson } from "../../src/controller/memory/by-hand.js";
import { observe } from "../../src/controller/observe/index.js";
import { planNotes } from "../../src/controller/plan.js";
import { frozenTasks } from "../../src/controller/run.js";
import type { RunContext } from "../../src/controller/unit.js";
import type { LessonLine } from "../../src/core/lesson-file.js";
import { planProblem } from "../../src/core/plan.js";
import type { Plan } from "../../src/core/policy.js";
import type { Prompt } from "../../src/core/prompt.js";
import { type Script, ScriptedChatModel } from "../../src/models/scripted.js";
import { readReport, renderMarkdown } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { call, isCoach, proposal, saying } from "../support/coach.js";
import { coachByRound, nightRecipe } from "../support/coach-night.js";
import { foldersFor } from "../support/folders.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("coach", "all");

const tasks = folder();
const recipe = (kind: "adaptive" | "coach", rounds: number, more = {}) => {
  const policy = { kind, validation: 4, ...more };
  const small = { rounds, elicit: { tasksPerRound: 10 }, policy };
  return { ...sumsRecipe(tasks, small), roles: {} };
};

/** The learner, with a coach that says these by turns. */
const coached =
  (...answers: readonly string[]): Script =>
  (request, adapter) =>
    isCoach(request) ? saying(...answers)(request) : learner(request, adapter);

async function worked(where: string, script: Script, rounds = 1) {
  const run = await scriptedRun(where, recipe("coach", rounds), { script });
  await run.work();
  return run;
}

describe("a run with a coach", () => {
  it("does as the coach proposes, and keeps why", async () => {
    const more = { settings: [{ lever: "generate.attempts", value: 6 }] };
    const run = await worked(folder(), coached(call("rounds"), proposal(more)), 2);
    const plans = run.store.plans.of("sums-1");
    expect(plans.map(({ author, fallback }) => [author, fallback])).toEqual([
      ["coach", null],
      ["coach", null],
    ]);
    expect(plans[0]!.settings).toEqual({ "generate.attempts": 6 });
    expect(plans[0]!.decisions[0]).toMatchObject({ rule: "coach", from: 4, to: 6 });
    expect(run.store.rounds.load("sums-1", 1).attempts).toHaveLength(60);
    // What its turns cost is part of what the round that they plan is charged for.
    const spent = run.store.spend.byStage("sums-1");
    for (const { round, tokens } of readReport(run.store, "sums-1").frontier) {
      const own = spent.filter((row) => row.round === round && row.stage !== "final");
      expect(own.map(({ stage }) => stage)).toContain("plan");
      const all = own.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
      expect(tokens).toBe(all);
    }
    run.store.close();
  });

  it("asks it once: who goes on with the run asks nothing again", async () => {
    const where = folder();
    const stop = new AbortController();
    let asked = 0;
    const script: Script = (request, adapter) => {
      if (!isCoach(request)) return learner(request, adapter);
      // The third answer never comes: the process is told to stop.
      if (++asked === 3) stop.abort();
      return saying(call("rounds"), call("budget"), call("clusters"), proposal())(request);
    };
    const first = await scriptedRun(where, recipe("coach", 1), { script });
    await expect(first.work(stop.signal)).rejects.toMatchObject({ kind: "interrupted" });
    expect(first.store.plans.of("sums-1")).toEqual([]);
    first.store.close();
    const again = await scriptedRun(where, recipe("coach", 1), { script });
    await again.work();
    const turns = again.model.ledger.filter(({ request }) => isCoach(request));
    expect(turns.length).toBeLessThanOrEqual(2);
    expect(again.store.plans.of("sums-1")).toMatchObject([{ author: "coach", fallback: null }]);
    again.store.close();
  });

  it("asks a model with a grammar by one, and nobody else's question is another for it", async () => {
    const because = "It is worth a try.";
    const full = { settings: [], cluster: null, lesson: null, variant: null, stop: null, because };
    const script = coached(call("rounds"), call("propose", full));
    const asked = async (grammar: boolean) => {
      const model = new ScriptedChatModel("learner", script);
      if (grammar) Object.assign(model, { capabilities: { ...model.capabilities, grammar } });
      const run = await scriptedRun(folder(), recipe("coach", 1), { model });
      await run.work();
      expect(run.store.plans.of("sums-1")).toMatchObject([{ author: "coach", fallback: null }]);
      run.store.close();
      const requests = model.ledger.map(({ request }) => request);
      const others = requests.filter((request) => !isCoach(request));
      return { others, turns: requests.filter(isCoach).map(({ schema }) => schema) };
    };
    const [plain, held] = [await asked(false), await asked(true)];
    expect(held.others).toEqual(plain.others);
    expect(held.others.some(({ schema }) => schema !== undefined)).toBe(false);
    expect(plain.turns).toEqual([undefined, undefined]);
    expect(held.turns).toMatchObject([{ anyOf: expect.any(Array) }, { anyOf: expect.any(Array) }]);
  });

  it("ends where the coach asks to stop, after two decided rounds without a promotion", async () => {
    const script = coached(proposal({ stop: "Nothing is left to learn." }));
    // A candidate answers as the base weights do.
    const rejected: Script = (request, adapter) =>
      script(request, isCoach(request) ? adapter : null);
    const run = await worked(folder(), rejected, 4);
    const refused = { author: "adaptive", stop: null };
    expect(run.store.plans.of("sums-1")).toMatchObject([
      { ...refused, fallback: "refused: it stops before anything was tried" },
      { ...refused, fallback: expect.stringMatching(/^refused: it asks to stop, and that counts/) },
      { author: "coach", stop: "Nothing is left to learn.", fallback: null },
    ]);
    expect(run.store.rounds.all("sums-1")).toHaveLength(2);
    expect(run.store.runs.find("sums-1")).toMatchObject({ state: "finished" });
    run.store.close();
  });

  it("is told the rank that its incumbent was trained with, however many rounds ago", async () => {
    const rank = proposal({ settings: [{ lever: "retrain.rank", value: 16 }] });
    const { store } = await worked(folder(), coached(rank), 3);
    const run = store.runs.find("sums-1")!;
    expect(run.incumbent).not.toBeNull();
    for (let round = 4; round < 30; round++) {
      store.rounds.begin(run.id, round, run.incumbent);
      store.rounds.finish(run.id, round);
    }
    const context = {
      ...{ store, runId: run.id, tasks: frozenTasks(store, run.id) },
      critiques: () => new Map<string, Prompt>(),
    } as unknown as RunContext;
    const seen = observe(context, run, 30, { left: () => ({}) });
    expect(seen.rounds.some(({ outcome }) => outcome === "promoted")).toBe(false);
    expect([seen.recipe["retrain.rank"], seen.incumbentRank]).toEqual([8, 16]);
    const going = { "retrain.from": "incumbent" } as const;
    const plan: Plan = {
      ...{ round: 30, author: "coach", settings: going, tasks: null, decisions: [], stop: null },
      fallback: null,
    };
    expect(planProblem(plan, seen)).toContain("an incumbent of rank 16 with rank 8");
    expect(planProblem({ ...plan, settings: { ...going, "retrain.rank": 16 } }, seen)).toBeNull();
    store.close();
  });
});

describe("a coach's lesson", () => {
  const text = "Add the units first, then the tens.";
  const teaching = proposal({ lesson: { cluster: "c1", text } });
  async function taught(changes: Record<string, unknown> = {}, known: readonly LessonLine[] = []) {
    const wanted = nightRecipe(tasks, "coach", { rounds: 2, ...changes });
    const script = coachByRound([proposal()], [teaching]);
    const run = await scriptedRun(folder(), wanted, { script });
    run.store.transaction(() => {
      for (const lesson of known) importLesson(run.store, lesson);
    });
    await run.work();
    const [, plan] = run.store.plans.of("sums-1");
    const notes = run.seen.flatMap((each) => (each.kind === "note" ? [each.text] : []));
    return {
      store: run.store,
      plan: plan!,
      notes,
      text: renderMarkdown(readReport(run.store, "sums-1")),
    };
  }
  const remembered = (store: Store) =>
    store.longTerm.all("jsonl:sums").filter((l) => l.source === "coach");

  it("is in the memory, with the tasks of its group, and what is told of it is so", async () => {
    const { store, plan, notes, text: report } = await taught();
    const [lesson] = remembered(store);
    expect(lesson).toMatchObject({
      text,
      state: "active",
      cluster: plan.decisions[0]!.saw.cluster,
    });
    expect(lesson!.tasks).toBeGreaterThan(0);
    expect(plan).toMatchObject({ author: "coach", fallback: null });
    expect(plan.decisions[0]).toMatchObject({ what: "lesson", to: text, saw: { became: "kept" } });
    for (const told of [notes.join("\n"), report]) expect(told).toContain(`lesson (kept): ${text}`);
    // What only the writing knows is in the plan, too: here it gives a held-out task away after all.
    const [held] = store.tasks.ofSplit("sums-1", "gate");
    const stray = { ...plan, decisions: [{ ...plan.decisions[0]!, to: held!.prompt }] };
    const late = store.transaction(() => keepLesson(store, store.runs.find("sums-1")!, stray));
    const became = expect.stringMatching(/^not kept: it resembles held-out task/);
    expect(late.decisions).toMatchObject([{ to: null, saw: { became, text: held!.prompt } }]);
    expect(planNotes(late)[0]).toMatch(/^Plan, round 2: coach: lesson \(not kept: it resembles/);
    expect(remembered(store)).toHaveLength(1);
    store.close();
  });

  const proved: LessonLine = {
    ...{ schema: "redistill-lesson", version: 1, family: "jsonl:sums", cluster: null },
    ...{ texts: ["Look at every digit twice."], state: "active", reason: null, tasks: [] },
    counts: { shownRight: 30, shownTasks: 30, withheldRight: 0, withheldTasks: 30 },
  };

  it("that is worth less than others is told to be out of use", async () => {
    const { store, plan, text: report } = await taught({ longTerm: { cap: 1 } }, [proved]);
    const became = "kept, and not in use: the family has 1 lessons that are worth more";
    expect(plan.decisions[0]).toMatchObject({ what: "lesson", to: text, saw: { became } });
    expect(remembered(store)).toMatchObject([{ text, state: "retired" }]);
    expect(report).toContain(`lesson (${became}): ${text}`);
    store.close();
  });

  it.each([[{ longTerm: null }], [{ longTerm: { write: false } }]])(
    "is refused where none are kept (%j)",
    async (changes) => {
      const { store, plan, text: report } = await taught(changes);
      const why = "refused: it writes a lesson, and this recipe keeps none";
      expect(plan).toMatchObject({ author: "adaptive", fallback: why });
      expect(plan.decisions.map(({ what }) => what)).not.toContain("lesson");
      expect(report).toContain(why);
      expect(report).not.toContain(text);
      expect(remembered(store)).toEqual([]);
      store.close();
    },
  );
});
