import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { frozenTasks } from "../../src/controller/run.js";
import { sha256 } from "../../src/core/hash.js";
import type { Script } from "../../src/models/scripted.js";
import { readReport, renderMarkdown } from "../../src/report/index.js";
import type { PromptSnapshot } from "../../src/store/runs.js";
import { call, isCoach, proposal, told } from "../support/coach.js";
import { coachByRound, nightRecipe } from "../support/coach-night.js";
import { digestOf } from "../support/digest.js";
import { foldersFor } from "../support/folders.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("trial", "all");

const tasks = folder();
const critique = (name: string, user: string): PromptSnapshot => {
  const variables = "variables: [task, answer, finding]";
  const body = `---\nname: ${name}\nversion: 1\n${variables}\nsource: own\n---\n${user}\n`;
  return { stage: "critique", name, version: "1", hash: sha256(body), body };
};
const silentBody = "---\nname: none\nversion: 1\nvariables: []\noutput: none\n---\n";
const silent = {
  ...{ stage: "critique", name: "none", version: "1" },
  ...{ hash: sha256(silentBody), body: silentBody },
};
const own = critique("critique", "{{task}} {{answer}}\n<finding>{{finding}}</finding>");
const stern = critique("stern", "Be stern: {{task}} {{answer}}\n<finding>{{finding}}</finding>");

const promptsOf = ({ store }: ScriptedRun) =>
  new Map(store.runs.prompts("sums-1").map(({ hash, name }) => [hash, name]));

describe("another critique prompt, tried beside the recipe's", () => {
  it("gets half of the failed tasks, of a recipe without a policy", async () => {
    const recipe = sumsRecipe(tasks, { critique: { prompt: "critique", trial: "stern" } });
    const script: Script = (request) => learner(request, null);
    const run = await scriptedRun(folder(), recipe, { script, prompts: [own], more: [stern] });
    await run.work();
    const names = promptsOf(run);
    for (const round of [1, 2]) {
      const { critiques, revisions } = run.store.rounds.load("sums-1", round);
      const by = (name: string) =>
        critiques.filter(({ promptHash }) => names.get(promptHash) === name);
      expect(Math.abs(by("critique").length - by("stern").length)).toBeLessThanOrEqual(1);
      expect(by("stern").length).toBeGreaterThan(1);
      const arms = run.store.observed.arms("sums-1", round);
      expect(arms.map(({ prompt, asked }) => [prompt, asked])).toEqual([
        ["critique", by("critique").length],
        ["stern", by("stern").length],
      ]);
      const right = new Set(
        revisions.flatMap((r) => (r.verdict.outcome === "ok" && !r.truncated ? [r.taskId] : [])),
      );
      expect(arms.reduce((sum, { fixed }) => sum + fixed, 0)).toBe(right.size);
      const all = run.store.observed.revisions("sums-1", round)!;
      expect(arms.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(all.tokens);
    }
    const report = renderMarkdown(readReport(run.store, "sums-1"));
    expect(report).toMatch(/\| 1 \| critique \| \d+ of \d+ \| stern \| \d+ of \d+ \|/);
    run.store.close();
  });

  it("is saying nothing, too: that half is rewritten without a critique", async () => {
    const recipe = sumsRecipe(tasks, {
      rounds: 1,
      critique: { prompt: "critique", trial: "none" },
    });
    const run = await scriptedRun(folder(), recipe, { prompts: [own], more: [silent] });
    await run.work();
    const { critiques, revisions } = run.store.rounds.load("sums-1", 1);
    const unsaid = revisions.filter(({ critiqueId }) => critiqueId === null);
    expect(unsaid.length).toBeGreaterThan(3);
    const spoken = new Set(critiques.map(({ taskId }) => taskId));
    expect(unsaid.some(({ taskId }) => spoken.has(taskId))).toBe(false);
    const arms = run.store.observed.arms("sums-1", 1);
    expect(arms.map(({ prompt, asked }) => [prompt, asked])).toEqual([
      ["critique", spoken.size],
      ["none", new Set(unsaid.map(({ taskId }) => taskId)).size],
    ]);
    run.store.close();
  });
});

describe("a trial under the rules", () => {
  it("goes on where they turn the critique off, or is none", async () => {
    const recipe = sumsRecipe(tasks, {
      ...{ rounds: 4, critique: { prompt: "critique", trial: "none" } },
      ...{ policy: { kind: "adaptive", validation: 2 }, generate: { attempts: 2 } },
    });
    // A critique mends nothing, so that it is turned off; then both halves would be silent.
    const script: Script = (request) =>
      request.messages.at(-1)!.content.includes("<critique>The sum")
        ? "no number"
        : learner(request, null);
    const run = await scriptedRun(folder(), recipe, { script, prompts: [own] });
    await run.work();
    const plans = run.store.plans.of("sums-1");
    const off = plans.filter(({ settings }) => settings.critique === false);
    expect(off.length).toBeGreaterThan(0);
    for (const { settings, round } of off) {
      expect(settings["critique.trial"]).toBe("no trial");
      expect(run.store.rounds.load("sums-1", round).critiques).toEqual([]);
    }
    run.store.close();
  });

  it("of a silent prompt by another name is seen, too", async () => {
    const body = silentBody.replace("name: none", "name: quiet");
    const quiet = { ...silent, name: "quiet", body, hash: sha256(body) };
    const recipe = sumsRecipe(tasks, {
      ...{ rounds: 1, critique: { prompt: "critique", trial: "quiet" } },
    });
    const run = await scriptedRun(folder(), recipe, { prompts: [own], more: [quiet] });
    await run.work();
    const [trial] = readReport(run.store, "sums-1").trials;
    expect(trial).toMatchObject({ own: { prompt: "critique" }, tried: { prompt: "quiet" } });
    run.store.close();
  });
});

const text = "Where is the slip? {{task}} {{answer}}\n<finding>{{finding}}</finding>";

/** The learner that never gets better, so that each round has failures, and a coach that says these by rounds. */
const stuck =
  (...rounds: readonly (readonly string[])[]): Script =>
  (request, adapter) =>
    coachByRound(...rounds)(request, isCoach(request) ? adapter : null);

/** A night of these. */
async function night(
  rounds: readonly (readonly string[])[],
  where = folder(),
  signal?: AbortSignal,
  script: Script = stuck(...rounds),
) {
  const many = { elicit: { tasksPerRound: 12 }, generate: { attempts: 1 } };
  const recipe = nightRecipe(tasks, "coach", many);
  const run = await scriptedRun(where, recipe, { script, prompts: [own] });
  await run.work(signal);
  return run;
}

describe("a critique prompt of the coach's", () => {
  const adopting = { settings: [{ lever: "critique.prompt", value: "coach-2" }] };
  const rounds = [
    [proposal()],
    [call("prompt"), proposal({ variant: text })],
    [call("rounds"), proposal(adopting)],
  ];

  it("is tried on half of the failures, told of, and may take the recipe's place", async () => {
    const run = await night(rounds);
    const { store, model } = run;
    expect(store.plans.of("sums-1").map(({ fallback }) => fallback)).toEqual([null, null, null]);
    const names = promptsOf(run);
    const written = store.runs.prompts("sums-1").find(({ name }) => name === "coach-2")!;
    expect(written.body).toContain("parent: critique");
    expect(written.body).toContain(text);
    const asked = [1, 2, 3].map((round) => {
      const { critiques } = store.rounds.load("sums-1", round);
      return [...new Set(critiques.map(({ promptHash }) => names.get(promptHash)))].sort();
    });
    expect(asked).toEqual([["critique"], ["coach-2", "critique"], ["coach-2"]]);
    const turns = model.ledger.map(({ request }) => request).filter(isCoach);
    expect(turns.some((turn) => told(turn, "prompt")?.includes("<finding>{{finding}}"))).toBe(true);
    const seen = store.plans.observation("sums-1", 3)!;
    const { own: mine, tried } = seen.rounds[1]!.trial!;
    expect([mine.prompt, tried.prompt]).toEqual(["critique", "coach-2"]);
    expect(mine.asked + tried.asked).toBe(seen.rounds[1]!.revisions!.asked);
    const told3 = turns.find((turn) => told(turn, "rounds")?.includes("trial: "));
    expect(told(told3!, "rounds")).toContain(
      `trial: mended with critique ${mine.fixed} of ${mine.asked}, with coach-2 ${tried.fixed} of ${tried.asked}`,
    );
    expect(seen.critiquePrompts).toEqual(["critique", "coach-2"]);
    const report = renderMarkdown(readReport(store, "sums-1"));
    expect(report).toContain("Where is the slip?");
    store.close();
  });

  it("is asked for once, and the same after a stop", async () => {
    const calm = folder();
    (await night(rounds, calm)).store.close();
    const where = folder();
    const stop = new AbortController();
    const script = stuck(...rounds);
    let critics = 0;
    const stopping: Script = (request, adapter) => {
      const isVariant = request.messages.at(-1)!.content.includes("Where is the slip?");
      // In the middle of what is asked with the new prompt.
      if (isVariant && !isCoach(request) && ++critics === 2) stop.abort();
      return script(request, adapter);
    };
    await expect(night(rounds, where, stop.signal, stopping)).rejects.toMatchObject({
      kind: "interrupted",
    });
    expect(critics).toBeGreaterThanOrEqual(2);
    (await night(rounds, where)).store.close();
    const databaseIn = (at: string) => join(at, "memory", "redistill.db");
    const [first, second] = [digestOf(databaseIn(calm)), digestOf(databaseIn(where))];
    for (const table of ["plans", "prompts", "critiques", "revisions", "decisions", "attempts"]) {
      expect([table, second[table]]).toEqual([table, first[table]]);
    }
  });

  const held = "{{task}} {{answer}} {{finding}}";
  it.each<[string, unknown, string]>([
    ["is empty", { variant: " " }, "its prompt is empty"],
    ["is the recipe's", { variant: own.body.split("---\n")[2] }, "its prompt is one that the run"],
    ["names less", { variant: "Why? {{task}}" }, "does not name what the recipe's does: {{task}}"],
    [
      "names more",
      { variant: `${held} {{reference}}` },
      "does not name what the recipe's does: {{task}}",
    ],
    ["is endless", { variant: `${held} ${"why ".repeat(3000)}` }, "fails what `redistill prompts"],
    ["hides something", { variant: `${held} \u200bwhy?` }, "fails what `redistill prompts lint`"],
    ["has a role of its own", { variant: `${held}<|im_start|>system` }, "only a chat template may"],
    [
      "comes with another trial",
      { variant: text, settings: [{ lever: "critique.trial", value: "none" }] },
      "it writes a critique prompt and tries another one",
    ],
  ])("is refused where it %s", async (_what, asked, why) => {
    const run = await night([[proposal(asked as object)]]);
    const { fallback } = run.store.plans.of("sums-1")[0]!;
    expect(fallback).toMatch(/^refused: it/);
    expect(fallback).toContain(why);
    expect(run.store.runs.prompts("sums-1").map(({ name }) => name)).not.toContain("coach-1");
    run.store.close();
  });

  it("is refused where it holds a task of any split, and the sentence does not tell which", async () => {
    const where = folder();
    const fresh = await scriptedRun(where, nightRecipe(tasks, "coach"), { prompts: [own] });
    const { gate, sealed, train } = frozenTasks(fresh.store, "sums-1");
    fresh.store.close();
    for (const [task] of [gate, sealed, train]) {
      const variant = `${held} Mind that ${task!.prompt} is ${task!.reference}.`;
      const run = await night([[proposal({ variant })]]);
      const { fallback } = run.store.plans.of("sums-1")[0]!;
      expect(fallback).toBe("refused: its prompt holds the question or the reference of a task");
      run.store.close();
    }
  });

  it("is refused where the run's critic says nothing, or there is none", async () => {
    const none = { longTerm: null, critique: null, refine: null };
    const recipe = nightRecipe(tasks, "coach", none);
    const script = coachByRound([proposal({ variant: text })]);
    const run = await scriptedRun(folder(), { ...recipe, rounds: 1 }, { script });
    await run.work();
    expect(run.store.plans.of("sums-1")[0]!.fallback).toBe(
      "refused: it writes a critique prompt, and none may be written",
    );
    run.store.close();
  });

  it("leaves no trial behind where the rules decide the round after", async () => {
    const run = await night([[proposal({ variant: text })], ["no call at all"]]);
    const [, second] = run.store.plans.of("sums-1");
    expect(second!.fallback).toMatch(/^malformed/);
    expect(second!.settings["critique.trial"]).toBeUndefined();
    run.store.close();
  });
});
