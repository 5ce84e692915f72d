import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { changedSince, snapshotPrompts } from "../../src/cli/prompts.js";
import { requireFits } from "../../src/controller/fits.js";
import { frozenTasks } from "../../src/controller/run.js";
import { eachRole } from "../../src/core/model.js";
import type { Recipe } from "../../src/core/recipe.js";
import { type Script, ScriptedChatModel } from "../../src/models/scripted.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { digestOf } from "../support/digest.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-prompts-run-"));
const databaseOf = (where: string) => join(where, "memory/redistill.db");

/** A prompt that the scripted learner takes for a second try. */
const retry =
  "---\nname: retry\nversion: 1\nvariables: [task, critique]\n---\n{{task}}\n<critique>{{critique}}</critique>\n";

/** A recipe with a critique prompt and a workspace that has the prompts which it names. */
function prepared(critique: string, own: Record<string, string> = {}, from = folder()) {
  for (const [path, body] of Object.entries({ "refine/retry": retry, ...own })) {
    const file = join(from, "prompts", `${path}.md`);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, body);
  }
  const recipe = sumsRecipe(from, {
    critique: { prompt: critique, perTask: 4 },
    curate: { perTask: 2 },
    refine: { prompt: "retry", tries: 2 },
  });
  return { folder: from, recipe, prompts: snapshotPrompts(recipe, workspaceAt(from)) };
}

const isCritic = (request: Parameters<Script>[0]) =>
  request.messages.at(-1)!.content.includes("Write three lines");

/** By turns right about a failed answer, wrong about it, and without a verdict. */
function critic(request: Parameters<Script>[0]): string {
  const turn = request.sampling.seed % 3;
  const [verdict, confidence, critique] = [
    ["wrong", 90, "The sum is off."] as const,
    ["right", 60, "It looks fine."] as const,
    ["who knows", 0, "Hm."] as const,
  ][turn]!;
  if (request.schema !== undefined) return JSON.stringify({ verdict, confidence, critique });
  return `verdict: ${verdict}\nconfidence: ${confidence}\ncritique: ${critique}`;
}

const script: Script = (request, adapter) =>
  isCritic(request) ? critic(request) : learner(request, adapter);

async function worked(critique: string, changes: { schema?: boolean } = {}) {
  const made = prepared(critique);
  const model = new ScriptedChatModel("learner", script);
  if (changes.schema)
    Object.assign(model, { capabilities: { ...model.capabilities, schema: true } });
  const run = await scriptedRun(made.folder, made.recipe, { model, prompts: made.prompts });
  await run.work();
  return { ...made, model, store: run.store };
}

describe("a run whose critiques say whether an answer is right", () => {
  it("keeps what each says, how sure it is, and what could not be read", async () => {
    const { store, model } = await worked("confidence-first");
    const { critiques } = store.rounds.load("sums-1", 1);
    const counts = (says: string) => critiques.filter((each) => each.says === says).length;
    expect(counts("wrong") * counts("right") * counts("ungradable")).toBeGreaterThan(0);
    for (const { says, confidence, text } of critiques) {
      expect(text).toMatch(says === "ungradable" ? /who knows/ : new RegExp(`verdict: ${says}`));
      expect(confidence).toBe(says === "wrong" ? 0.9 : says === "right" ? 0.6 : null);
    }
    const retries = model.ledger
      .map(({ request }) => request.messages.at(-1)!.content)
      .filter((text) => text.includes("<critique>"));
    expect(retries.some((text) => text.includes("<critique>The sum is off.</critique>"))).toBe(
      true,
    );
    expect(store.rounds.summary("sums-1", 1, "critique")).toMatchObject({
      "say wrong": counts("wrong"),
      ungradable: counts("ungradable"),
    });
    store.close();
  });

  it("asks a model that can be held to a schema by it, and what was asked can be checked", async () => {
    const { folder: where, store, model } = await worked("confidence-first", { schema: true });
    const asked = model.ledger.filter(({ request }) => request.schema !== undefined);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every(({ request }) => isCritic(request))).toBe(true);
    const { critiques } = store.rounds.load("sums-1", 1);
    expect(new Set(critiques.map(({ says }) => says))).toContain("wrong");
    expect(store.audit.strayCalls("sums-1")).toEqual([]);
    const db = new Database(databaseOf(where));
    db.exec("UPDATE call_forms SET form = replace(form, 'right', 'left')");
    db.close();
    expect(store.audit.strayCalls("sums-1")[0]?.count).toBe(asked.length);
    store.close();
  });

  it("keeps what else a request asked for with its call, log-probabilities among it", async () => {
    const where = folder();
    const recipe = sumsRecipe(where, { rounds: 1, retrain: { method: "distill", topLogprobs: 2 } });
    const run = await scriptedRun(where, recipe);
    await run.work();
    expect(run.model.ledger.some(({ request }) => request.topLogprobs === 2)).toBe(true);
    expect(run.store.audit.strayCalls("sums-1")).toEqual([]);
    run.store.close();
  });
});

describe("a run with the critique that says nothing", () => {
  it("asks no critic, and rewrites the same answers as another arm would", async () => {
    const none = await worked("none");
    const said = await worked("confidence-first");
    const rows = none.store.rounds.load("sums-1", 1);
    expect(rows.critiques).toEqual([]);
    expect(rows.revisions.length).toBeGreaterThan(0);
    const rewritten = ({ store }: typeof none) =>
      store.rounds.load("sums-1", 1).revisions.map(({ attemptId, index }) => [attemptId, index]);
    expect(rewritten(none)).toEqual(rewritten(said));
    expect(none.model.ledger.some(({ request }) => isCritic(request))).toBe(false);
    expect(none.store.runs.find("sums-1")!.state).toBe("finished");
    expect(none.store.audit.lineage("sums-1")).toEqual([]);
    for (const { store } of [none, said]) store.close();
  });
});

describe("a prompt file that is edited while its run works", () => {
  const mine = {
    "critique/mine":
      "---\nname: mine\nversion: 1\nvariables: [task, answer, finding]\n---\n{{task}} {{answer}} <finding>{{finding}}</finding>\n",
  };

  async function work(made: ReturnType<typeof prepared>, recipe: Recipe, at?: () => void) {
    const stop = new AbortController();
    const seen: string[] = [];
    const run = await scriptedRun(made.folder, recipe, {
      prompts: made.prompts,
      script: (request, adapter) => {
        const text = request.messages.at(-1)!.content;
        seen.push(text);
        if (at && text.includes("<finding>")) {
          at();
          stop.abort();
        }
        return learner(request, adapter);
      },
    });
    await run.work(stop.signal).catch((error: Error) => {
      if (!stop.signal.aborted) throw error;
    });
    const changed = changedSince(
      run.store.runs.find("sums-1")!,
      run.store.runs.prompts("sums-1"),
      workspaceAt(made.folder),
    );
    const { state } = run.store.runs.find("sums-1")!;
    run.store.close();
    return { seen, changed, state };
  }

  it("changes nothing of that run, also after it was stopped and resumed", async () => {
    const [calm, edited] = [prepared("mine", mine), prepared("mine", mine)];
    const undisturbed = await work(calm, calm.recipe);
    expect(undisturbed).toMatchObject({ state: "finished", changed: [] });
    const edit = () => {
      for (const path of ["critique/mine", "refine/retry"]) {
        appendFileSync(join(edited.folder, "prompts", `${path}.md`), "EDITED\n");
      }
    };
    // The recipe of the other run, since its path to the tasks is part of the digest.
    const stopped = await work(edited, calm.recipe, edit);
    expect(stopped.state).toBe("interrupted");
    expect(stopped.changed).toEqual(["critique/mine", "refine/retry"]);
    const resumed = await work(edited, calm.recipe);
    expect(resumed.state).toBe("finished");
    expect([...stopped.seen, ...resumed.seen].filter((text) => text.includes("EDITED"))).toEqual(
      [],
    );
    expect(digestOf(databaseOf(edited.folder))).toEqual(digestOf(databaseOf(calm.folder)));
  });
});

describe("a critique's question", () => {
  it("must fit the critic's context, with all that it is shown", async () => {
    const made = prepared("contrast");
    const run = await scriptedRun(made.folder, made.recipe, { prompts: made.prompts });
    const tasks = frozenTasks(run.store, "sums-1");
    const parsed = (stage: string) => {
      const found = made.prompts.find((each) => each.stage === stage)!;
      return parsePrompt(stage, stage, found.body);
    };
    const none = { judge: null, rubric: null, repair: null, memory: null, distil: null };
    const prompts = {
      ...{ student: parsed("student"), critique: parsed("critique"), refine: parsed("refine") },
      ...{ ...none, solution: null, feedback: null, cluster: null, trial: null },
    };
    const fits = (contextTokens: number) => {
      const roles = { critic: { provider: "embedded", contextTokens, path: "default" } };
      const recipe = sumsRecipe(made.folder, {
        ...{ critique: made.recipe.critique, refine: made.recipe.refine, roles },
      });
      return requireFits(
        recipe,
        tasks,
        prompts,
        eachRole(() => run.model),
      );
    };
    await fits(1024);
    await expect(fits(200)).rejects.toThrow(/roles\.critic\.contextTokens is 200/);
    run.store.close();
  });
});
