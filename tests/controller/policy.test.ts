import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Ledger } from "../../src/controller/ledger.js";
import { observe } from "../../src/controller/observe/index.js";
import { frozenTasks } from "../../src/controller/run.js";
import type { RunContext } from "../../src/controller/unit.js";
import { systemClock } from "../../src/core/clock.js";
import { eachRole } from "../../src/core/model.js";
import type { Plan } from "../../src/core/policy.js";
import { divideTraining } from "../../src/core/validation.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { foldersFor } from "../support/folders.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("policy", "each");

const adaptive = { kind: "adaptive", validation: 8 };
const recipe = (changes: Record<string, unknown> = {}) =>
  sumsRecipe(folder(), { rounds: 3, elicit: { tasksPerRound: 10 }, policy: adaptive, ...changes });

async function worked(changes: Record<string, unknown> = {}): Promise<ScriptedRun> {
  const run = await scriptedRun(folder(), recipe(changes));
  await run.work();
  return run;
}

/** What the next round would be told. */
function seenBy(run: ScriptedRun, round: number) {
  const { store } = run;
  const context = {
    ...{ store, runId: "sums-1", tasks: frozenTasks(store, "sums-1") },
    critiques: () => new Map(),
  } as unknown as RunContext;
  return observe(context, store.runs.find("sums-1")!, round, { left: () => ({}) });
}

describe("an adaptive run", () => {
  it("has a plan before each round, with what it saw, and does as it says", async () => {
    const run = await worked();
    const { store } = run;
    const plans = store.plans.of("sums-1");
    expect(plans.map(({ round, author }) => [round, author])).toEqual([
      [1, "adaptive"],
      [2, "adaptive"],
      [3, "adaptive"],
    ]);
    expect(plans[0]).toMatchObject({ settings: {}, tasks: null, decisions: [] });
    // With one attempt in four right there is something to decide after the first round.
    expect(plans.slice(1).flatMap(({ decisions }) => decisions).length).toBeGreaterThan(1);
    for (const { round, tasks, settings } of plans) {
      const rows = store.rounds.load("sums-1", round);
      if (tasks !== null) expect(rows.elicited).toEqual(tasks);
      const attempts = Number(settings["generate.attempts"] ?? 4);
      expect(rows.attempts).toHaveLength(rows.elicited.length * attempts);
    }
    expect(store.plans.observation("sums-1", 3)).toMatchObject({ round: 3, roundsLeft: 1 });
    expect(store.plans.observation("sums-1", 3)!.rounds.map(({ number }) => number)).toEqual([
      1, 2,
    ]);
    const notes = run.seen.flatMap((each) => (each.kind === "note" ? [each.text] : []));
    expect(notes).toContain("Plan, round 1: as the recipe says.");
    expect(notes.some((text) => /^Plan, round [23]: [a-z-]+: /.test(text))).toBe(true);
    store.close();
  });

  it("keeps validation tasks from learning, and asks the candidate about them and as many learned ones", async () => {
    const { store, model } = await worked();
    const { train } = frozenTasks(store, "sums-1");
    const { validation, learnable } = divideTraining(store.runs.find("sums-1")!.recipe, train);
    expect([validation.length, learnable.length]).toEqual([8, 32]);
    const held = new Set(validation.map(({ id }) => id));
    for (const { number } of store.rounds.all("sums-1")) {
      const { elicited, examples, validation: answers } = store.rounds.load("sums-1", number);
      expect(
        [...elicited, ...examples.map(({ taskId }) => taskId)].some((id) => held.has(id)),
      ).toBe(false);
      const of = (kind: string) =>
        answers.filter((each) => each.kind === kind).map(({ taskId }) => taskId);
      expect(of("unseen").sort()).toEqual([...held].sort());
      const learned = new Set(examples.map(({ taskId }) => taskId));
      expect(of("learned").length).toBe(Math.min(8, learned.size));
      expect(of("learned").every((id) => learned.has(id))).toBe(true);
    }
    const asked = model.ledger.filter(({ request }) =>
      validation.some(({ prompt }) => request.messages.at(-1)!.content.includes(prompt)),
    );
    // The student's question, greedily: nothing else was ever asked of these.
    expect(asked.every(({ request }) => request.sampling.temperature === 0)).toBe(true);
    store.close();
  });

  it("is told nothing of the suites but counts: no text and no id of their tasks", async () => {
    // Answers quote their tasks, so that any answer that got in would bring its task along.
    const quoting: typeof learner = (request, adapter) =>
      `${request.messages.at(-1)!.content} ${learner(request, adapter)}`;
    const where = folder();
    const run = await scriptedRun(where, recipe({ retention: { path: retentionFile() } }), {
      script: quoting,
    });
    await run.work();
    const { store } = run;
    const texts = store.plans
      .of("sums-1")
      .map(({ round }) =>
        JSON.stringify([
          store.plans.observation("sums-1", round),
          store.plans.find("sums-1", round),
        ]),
      );
    texts.push(JSON.stringify(seenBy(run, 4)));
    expect(texts[2]).toContain('"retention":{');
    const tasks = frozenTasks(store, "sums-1");
    for (const split of ["gate", "sealed", "retention"] as const) {
      expect(tasks[split].length).toBeGreaterThan(0);
      for (const { id, prompt } of tasks[split]) {
        expect(texts.some((text) => text.includes(id) || text.includes(prompt))).toBe(false);
      }
    }
    expect(texts[2]).toContain(tasks.train[0]!.id);
    store.close();
  });

  it("sees each round as its rows have it", async () => {
    const run = await worked({ examine: { right: 2, wrong: 2, planted: 1 } });
    const [first] = seenBy(run, 4).rounds;
    const rows = run.store.rounds.load("sums-1", 1);
    const ok = rows.attempts.filter(({ verdict }) => verdict.outcome === "ok");
    const decision = run.store.rounds.decision("sums-1", 1)!;
    expect(first).toMatchObject({
      ...{ number: 1, tasks: 10, attempts: 40, right: ok.length, ungradable: 0 },
      solved: new Set(ok.map(({ taskId }) => taskId)).size,
      settings: { "generate.attempts": 4, "elicit.tasksPerRound": 10, critique: true },
      examples: rows.examples.length,
      gate: {
        tasks: 60,
        baseline: decision.gate!.baseline.ok,
        candidate: decision.gate!.candidate.ok,
      },
      ...{ retention: null, outcome: decision.outcome, loss: 0.5 },
    });
    const mended = new Set(
      rows.revisions.filter(({ verdict }) => verdict.outcome === "ok").map(({ taskId }) => taskId),
    );
    expect(first!.revisions).toMatchObject({
      asked: new Set(rows.revisions.map(({ taskId }) => taskId)).size,
      fixed: mended.size,
    });
    const { wrong, right } = first!.examined!;
    // The planted mistake was mended too, and is no attempt that went wrong.
    expect(rows.mended).toHaveLength(5);
    expect([wrong, right]).toEqual([2, 2]);
    const spent = run.store.spend
      .byStage("sums-1")
      .filter(
        ({ round, stage }) => round === 1 && ["generate", "critique", "refine"].includes(stage),
      )
      .reduce(
        (sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens,
        0,
      );
    expect(first!.tokens).toBe(spent);
    run.store.close();
  });

  it("reports its plans and what each round gave for its tokens", async () => {
    const { store } = await worked();
    const report = readReport(store, "sums-1");
    expect(report.plans).toHaveLength(3);
    expect(report.frontier.map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(report.frontier.some(({ efficient }) => efficient)).toBe(true);
    for (const { round, trained } of report.frontier) {
      // The scripted trainer says ten tokens an example.
      expect(trained).toBe(10 * store.rounds.load("sums-1", round).examples.length);
    }
    for (const text of [renderMarkdown(report), renderTerminal(report)]) {
      expect(text).toContain("Round 1 (adaptive): nothing is changed.");
      expect(text).toMatch(/Round 2 \(adaptive\): \d+ decisions?/);
      expect(text).toContain("gate right");
    }
    const page = renderHtml(report);
    expect(page).toContain('id="plans"');
    expect(page).toContain("plot-frontier-t");
    store.close();
  });

  it("reports for each round what budgets were charged for it, calls of all stages", async () => {
    // Clusters are named, candidates validated, answers examined: none of these was counted once.
    const { store } = await worked({ examine: { right: 2, wrong: 2, planted: 1 } });
    chargedAsReported(store);
    const stages = new Set(store.spend.byStage("sums-1").map(({ stage }) => stage));
    expect([...stages]).toEqual(expect.arrayContaining(["cluster", "validate", "evaluate"]));
    store.close();
  });
});

describe("a plan that stops", () => {
  it("ends the run before the round, with the sealed suite asked and its reason told", async () => {
    // A candidate answers as the base weights do, and each round takes up every task that there is.
    const run = await scriptedRun(
      folder(),
      recipe({ rounds: 24, elicit: { tasksPerRound: 0 }, curate: { minimum: 2 } }),
      { script: (request) => learner(request, null) },
    );
    await run.work();
    const { store } = run;
    const last = store.plans.of("sums-1").at(-1) as Plan;
    // Rules still move something, so that what ends it is that validation does not rise.
    expect(last.stop).toContain("the last 6 rounds gained nothing");
    expect(store.rounds.all("sums-1")).toHaveLength(last.round - 1);
    expect(store.runs.find("sums-1")?.state).toBe("finished");
    expect(store.rounds.stages("sums-1").at(-1)).toMatchObject({ stage: "final" });
    expect(store.rounds.evaluations.of("sums-1", "sealed", null)).toHaveLength(20);
    const report = readReport(store, "sums-1");
    expect(report.stoppedEarly).toBe(last.stop);
    expect(renderMarkdown(report)).toContain(`Stopped early, after ${last.round - 1} of 24 rounds`);
    expect(run.seen).toContainEqual({ kind: "note", text: `Stopping early: ${last.stop}.` });
    store.close();
  });
});

describe("a fixed policy", () => {
  it("has no plans and no validation, but what its rounds gave for their tokens", async () => {
    const { store } = await worked({ policy: { kind: "fixed" } });
    expect(store.plans.of("sums-1")).toEqual([]);
    for (const round of [1, 2, 3]) {
      expect(store.rounds.done("sums-1", round)).not.toContain("validate");
      expect(store.rounds.load("sums-1", round).validation).toEqual([]);
    }
    const report = readReport(store, "sums-1");
    expect(report.plans).toEqual([]);
    const asked = [1, 2, 3].filter((round) => store.rounds.decision("sums-1", round)?.gate);
    expect(asked.length).toBeGreaterThan(1);
    expect(report.frontier.map(({ round }) => round)).toEqual(asked);
    chargedAsReported(store);
    for (const text of [renderMarkdown(report), renderTerminal(report)]) {
      expect(text).toContain("What rounds gave for their tokens");
      expect(text).toContain("tokens trained on");
    }
    expect(renderMarkdown(report)).not.toContain("## Plans");
    expect(renderHtml(report)).not.toContain('id="plans"');
    store.close();
  });

  it("is the default, which does the same round for round", async () => {
    const [plain, named] = [
      await worked({ policy: undefined }),
      await worked({ policy: { kind: "fixed" } }),
    ];
    for (const round of [1, 2, 3]) {
      const [a, b] = [plain, named].map(({ store }) => store.rounds.load("sums-1", round));
      expect(a!.elicited).toEqual(b!.elicited);
      expect(a!.examples).toEqual(b!.examples);
    }
    plain.store.close();
    named.store.close();
  });
});

/** What the frontier says of its rounds, with the sealed suite and rounds without a candidate, is what the ledger begins with. */
function chargedAsReported(store: Store): void {
  const { frontier } = readReport(store, "sums-1");
  const shown = new Set(frontier.map(({ round }) => round));
  const others = store.spend
    .byStage("sums-1")
    .filter(({ round, stage }) => stage === "final" || !shown.has(round));
  const after = others.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
  expect(after).toBeGreaterThan(0);
  const reported = frontier.reduce((sum, { tokens }) => sum + tokens, 0);
  const run = store.runs.find("sums-1")!;
  const budget = { ...run.recipe.budget, tokens: 10_000_000 };
  const limited = { ...run, recipe: { ...run.recipe, budget } };
  const models = eachRole(() => new ScriptedChatModel("learner", learner));
  const ledger = new Ledger({ store, run: limited, clock: systemClock, models });
  expect(reported + after).toBe(10_000_000 - ledger.left().tokens!);
}

function retentionFile(): string {
  const where = join(folder(), "retention.jsonl");
  const lines = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ prompt: `Say the word kept-${i}-kept.`, reference: `kept-${i}-kept` }),
  );
  writeFileSync(where, `${lines.join("\n")}\n`);
  return where;
}
