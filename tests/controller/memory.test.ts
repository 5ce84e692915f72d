import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCandidate } from "../../src/cli/adapters.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { requireFits } from "../../src/controller/fits.js";
import { frozenTasks } from "../../src/controller/run.js";
import { sha256 } from "../../src/core/hash.js";
import { type Memory, parseMemory } from "../../src/core/memory.js";
import { eachRole } from "../../src/core/model.js";
import { chainProblems } from "../../src/operations/verify-chain.js";
import { heldOutProblems } from "../../src/operations/verify-held-out.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { digestOf } from "../support/digest.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { gameableRecipe, gaming } from "../support/unhealthy.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-memory-"));
const alone = { retrain: { method: "memory" } };

/** A finished run whose model cannot take weights: nothing is trained. */
async function remembering(where = folder(), changes: Record<string, unknown> = alone) {
  const run = await scriptedRun(where, sumsRecipe(where, changes), {
    ...(changes.memory ? {} : { openAdapter: (row) => openCandidate(row, workspaceAt(where)) }),
    script: (request, adapter) => {
      if (adapter !== null && !changes.memory) throw new Error("there are no weights here");
      return learner(request, adapter);
    },
  });
  await run.work();
  return { run, where, row: run.store.runs.find("sums-1")! };
}

const memoryOf = ({ store }: ScriptedRun, name: string | null): Memory =>
  parseMemory(store.adapters.find(name!)!.memory!);

describe("a run that learns by memory alone", () => {
  it("is promoted by the same gate, trains nothing, and asks the base weights", async () => {
    const { run, where, row } = await remembering();
    expect(row).toMatchObject({ state: "finished" });
    expect(run.store.rounds.decision("sums-1", 1)!.outcome).toBe("promoted");
    expect(run.trained).toEqual([]);
    expect(run.model.ledger.every(({ adapter }) => adapter === null)).toBe(true);
    const candidate = run.store.adapters.find(row.incumbent!)!;
    const text = readFileSync(join(where, candidate.memoryPath!), "utf8");
    expect(text).toBe(candidate.memory);
    expect(sha256(text)).toBe(row.incumbent);
    expect(candidate).toMatchObject({ weights: null, ggufPath: null });
    run.store.close();
  });

  it("remembers the evidence of each lesson, which grows from round to round", async () => {
    // Few attempts, so that the second round has something to mend too.
    const { run } = await remembering(folder(), { ...alone, generate: { attempts: 1 } });
    const { store } = run;
    const train = new Set(store.tasks.ofSplit("sums-1", "train").map(({ id }) => id));
    const [first, second] = [1, 2].map((round) => store.rounds.load("sums-1", round));
    expect(second!.candidate!.parent).toBe(first!.candidate!.sha256);
    const [before, after] = [first, second].map((rows) => memoryOf(run, rows!.candidate!.sha256));
    expect(before!.lessons).toHaveLength(1);
    expect(after!.lessons[0]!.evidence.length).toBeGreaterThan(before!.lessons[0]!.evidence.length);
    const right = new Set(
      [first, second].flatMap((rows) =>
        rows!.revisions.filter(({ verdict }) => verdict.outcome === "ok").map(({ id }) => id),
      ),
    );
    for (const { taskId, revisionId } of after!.lessons[0]!.evidence) {
      expect(train.has(taskId)).toBe(true);
      expect(right.has(revisionId)).toBe(true);
    }
    store.close();
  });

  it("puts nothing of a held-out task into any question of another", async () => {
    const { run } = await remembering();
    const { store } = run;
    const held = (["gate", "sealed"] as const).flatMap((split) =>
      store.tasks.ofSplit("sums-1", split).map(({ prompt }) => prompt),
    );
    expect(held.length).toBe(80);
    for (const { request } of run.model.ledger) {
      const [own, ...others] = [...request.messages].reverse().map(({ content }) => content);
      const asked = held.filter((prompt) => own!.includes(prompt));
      expect(asked.length).toBeLessThanOrEqual(1);
      expect(held.some((prompt) => others.some((text) => text.includes(prompt)))).toBe(false);
    }
    expect(heldOutProblems(store, store.runs.find("sums-1")!)).toEqual([]);
    expect(chainProblems(store, store.runs.find("sums-1")!)).toEqual([]);
    expect(store.audit.lineage("sums-1")).toEqual([]);
    store.close();
  });

  it("ends with the same rows when it is stopped and goes on", async () => {
    const { run, where } = await remembering();
    const disturbed = folder();
    for (const stopAt of [30, 90, 160, Number.POSITIVE_INFINITY]) {
      const abort = new AbortController();
      let asked = 0;
      const part = await scriptedRun(disturbed, sumsRecipe(where, alone), {
        script: (request, adapter) => {
          if (++asked === stopAt) abort.abort();
          return learner(request, adapter);
        },
      });
      await part.work(abort.signal).catch((error) => expect(error.kind).toBe("interrupted"));
      part.store.close();
    }
    run.store.close();
    const database = (at: string) => digestOf(join(at, "memory", "redistill.db"));
    expect(database(disturbed)).toEqual(database(where));
  });

  it("is rolled back like weights: the round before answers again", async () => {
    const where = folder();
    const { retrain } = sumsRecipe(where, alone);
    const watched = { ...gameableRecipe(where, { length: { action: "roll-back" } }), retrain };
    const run = await scriptedRun(where, watched, {
      // With lessons in view it names every number around the right one.
      script: (request) =>
        gaming(request, request.messages.at(-1)!.content.includes("<lessons>") ? "memory" : null),
    });
    await run.work();
    expect(run.store.rounds.decision("sums-1", 1)!.outcome).toBe("promoted");
    expect(run.store.readings.rolledBack("sums-1")).toContain(1);
    const { number, incumbent } = run.store.rounds.all("sums-1")[1]!;
    expect([number, incumbent]).toEqual([2, null]);
    run.store.close();
  });

  it("says in its report what is remembered, why, and what each round changed", async () => {
    const { run } = await remembering();
    const report = readReport(run.store, "sums-1", "UTC");
    expect(report.memory!.lessons[0]!.text).toBe("Carry the tens into the next column.");
    expect(report.memory!.changes[0]).toMatchObject({ round: 1, dropped: [] });
    for (const render of [renderMarkdown, renderTerminal, renderHtml]) {
      const text = render(report);
      expect(text).toContain("What it remembers");
      expect(text).toContain("Carry the tens into the next column.");
      expect(text).toContain(report.memory!.lessons[0]!.evidence[0]!.revisionId);
      expect(text).toContain("memory.md");
      expect(text).not.toContain("llama-cli");
    }
    run.store.close();
  });
});

describe("weights and a memory together", () => {
  it("are one candidate, whose answers are those of both", async () => {
    const { run, row } = await remembering(folder(), { memory: {} });
    expect(run.trained.length).toBeGreaterThan(0);
    const candidate = run.store.adapters.find(row.incumbent!)!;
    expect(run.trained).toContain(candidate.weights);
    expect(candidate.sha256).not.toBe(candidate.weights);
    const gate = new Set(
      run.store.rounds.evaluations
        .of("sums-1", "gate", row.incumbent)
        .map(({ callKey }) => callKey),
    );
    expect(gate.size).toBe(60);
    const asked = run.model.ledger.filter(({ adapter }) => adapter === candidate.weights);
    expect(
      asked.some(({ request }) => request.messages.at(-1)!.content.includes("<lessons>")),
    ).toBe(true);
    run.store.close();
  });
});

describe("a memory's tokens", () => {
  it("are counted before anything is paid for", async () => {
    const where = folder();
    const { store, model } = await scriptedRun(where, sumsRecipe(where, alone));
    const tasks = frozenTasks(store, "sums-1");
    const parsed = { student: "Q: {{task}}" };
    const student = {
      ...{ stage: "student", name: "s", version: "1", hash: "h", variables: ["task"] },
      ...{ system: null, user: parsed.student, parent: null, source: null },
      output: "text" as const,
    };
    const none = { critique: null, refine: null, judge: null, rubric: null, repair: null };
    const prompts = {
      ...{ student, ...none, memory: null, distil: null, solution: null, feedback: null },
      ...{ cluster: null, trial: null },
    };
    const recipe = (tokens: number) =>
      sumsRecipe(where, {
        ...{ retrain: { method: "memory", tokens } },
        critique: null,
        refine: null,
      });
    await requireFits(
      recipe(512),
      tasks,
      prompts,
      eachRole(() => model),
    );
    await expect(
      requireFits(
        recipe(1000),
        tasks,
        prompts,
        eachRole(() => model),
      ),
    ).rejects.toThrow(/with 1000 for what is remembered; model.contextTokens is 1024/);
    store.close();
  });
});
