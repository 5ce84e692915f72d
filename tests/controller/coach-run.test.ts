import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CallRequest } from "../../src/core/entities.js";
import { type Script, ScriptedChatModel } from "../../src/models/scripted.js";
import { readReport } from "../../src/report/index.js";
import { call, proposal, saying } from "../support/coach.js";
import { digestOf } from "../support/digest.js";
import { hostileCoaches } from "../support/hostile-coach.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "redistill-coach-"));
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

const tasks = folder();
const recipe = (kind: "adaptive" | "coach", rounds: number, more = {}) => {
  const policy = { kind, validation: 4, ...more };
  const small = { rounds, elicit: { tasksPerRound: 10 }, policy };
  return { ...sumsRecipe(tasks, small), roles: {} };
};

const isCoach = ({ messages }: CallRequest) =>
  messages[0]?.content.startsWith("You plan the next training round") ?? false;

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

/** What no coach may change: what was right, what was decided, which tasks decide, and the files. */
function outcomeOf(where: string, store: { close(): void }) {
  store.close();
  const digest = digestOf(join(where, "memory", "redistill.db"));
  const tables = ["tasks", "verdicts", "evaluations", "decisions", "adapters", "examples"];
  return {
    rows: tables.map((table) => [table, digest[table]]),
    files: readdirSync(where, { recursive: true, encoding: "utf8" })
      .filter((name) => !name.includes("redistill.db"))
      .sort(),
  };
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
    const full = { settings: [], cluster: null, lesson: null, stop: null, because };
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

  it("ends it where the coach asks to stop, after a round was tried", async () => {
    const run = await worked(folder(), coached(proposal({ stop: "Nothing is left to learn." })), 3);
    expect(run.store.plans.of("sums-1")).toMatchObject([
      // Nothing was tried yet: the rules decide.
      { author: "adaptive", fallback: expect.stringContaining("refused") },
      { author: "coach", stop: "Nothing is left to learn." },
    ]);
    expect(run.store.rounds.all("sums-1")).toHaveLength(1);
    expect(run.store.runs.find("sums-1")).toMatchObject({ state: "finished" });
    run.store.close();
  });
});

describe("a hostile coach", () => {
  const honest = (async () => {
    const where = folder();
    const run = await scriptedRun(where, recipe("adaptive", 1), { script: learner });
    const held = run.store.tasks.ofSplit("sums-1", "gate")[0]!;
    await run.work();
    return { held: held.prompt, outcome: outcomeOf(where, run.store) };
  })();

  it.each(hostileCoaches("Calculate 10 + 20.").map(({ name }, at) => [name, at] as const))(
    "changes no verdict, gate, suite or file: %s",
    async (_name, at) => {
      const { held, outcome } = await honest;
      const where = folder();
      const run = await worked(where, coached(...hostileCoaches(held)[at]!.answers));
      const [plan] = run.store.plans.of("sums-1");
      expect(plan).toMatchObject({ author: "adaptive", fallback: expect.any(String) });
      expect(outcomeOf(where, run.store)).toEqual(outcome);
    },
  );
});
