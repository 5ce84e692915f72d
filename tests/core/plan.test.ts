import { describe, expect, it } from "vitest";
import { leversOf, limitsOf, noTrial, trialIn } from "../../src/core/levers.js";
import { applyPlan, critiquePromptsOf, planProblem } from "../../src/core/plan.js";
import type { LeverSettings, Plan } from "../../src/core/policy.js";
import { contradictions, type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { divideTraining } from "../../src/core/validation.js";
import { observationWith, roundWith, tasksWith } from "../policy/support.js";

const recipeWith = (changes: Record<string, unknown> = {}): Recipe =>
  recipeSchema.parse({
    name: "unit",
    rounds: 4,
    tasks: { source: "orders", train: 100, gate: 10 },
    critique: { prompt: "locate-error" },
    refine: { prompt: "rewrite" },
    curate: { maximum: 48, replay: { path: "replay.jsonl" } },
    policy: { kind: "coach", critiquePrompts: ["checklist"] },
    ...changes,
  });

const problems = (changes: Record<string, unknown>) =>
  contradictions(recipeWith(changes)).map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("a plan's settings", () => {
  it("take the place of the recipe's, and nothing else changes", () => {
    const recipe = recipeWith();
    const settings: LeverSettings = {
      "elicit.tasksPerRound": 12,
      "generate.attempts": 6,
      "generate.temperature": 1,
      "critique.prompt": "checklist",
      "refine.tries": 3,
      "curate.maximum": 60,
      "curate.replay.ratio": 0.5,
      "retrain.from": "incumbent",
      "retrain.epochs": 2,
      "retrain.learningRate": 0.0007,
    };
    const planned = applyPlan(recipe, settings);
    expect(leversOf(planned, 76)).toEqual({ ...leversOf(recipe, 76), ...settings });
    for (const key of ["gate", "tasks", "student", "budget", "model", "roles", "rounds", "seed"]) {
      expect(planned[key as keyof Recipe]).toEqual(recipe[key as keyof Recipe]);
    }
    expect(applyPlan(recipe, {})).toEqual(recipe);
  });

  it("turn the critique into one that says nothing, whichever prompt it was to have", () => {
    const planned = applyPlan(recipeWith(), { critique: false, "critique.prompt": "checklist" });
    expect(planned.critique?.prompt).toBe("none");
    expect(applyPlan(recipeWith(), { critique: true }).critique?.prompt).toBe("locate-error");
  });

  it("keep the adapter's scale when its rank is moved", () => {
    expect(applyPlan(recipeWith(), { "retrain.rank": 16 }).retrain).toMatchObject({
      rank: 16,
      alpha: 32,
    });
  });

  it.each([
    ["gate.alpha", 1],
    ["tasks.gate", 1],
    ["student.prompt", "easy"],
    ["retention.margin", 1],
    ["budget.tokens", 1e9],
    ["policy.kind", "fixed"],
    ["model.path", "other.gguf"],
    ["__proto__.polluted", 1],
    ["constructor", 1],
  ])("are refused where they claim another key (%s)", (key, value) => {
    const settings = { [key]: value } as LeverSettings;
    expect(() => applyPlan(recipeWith(), settings)).toThrow(/which is no lever/);
    const plan = planWith({ settings });
    expect(planProblem(plan, observationWith())).toContain("no lever");
  });

  it("are refused where the recipe has nothing of the kind, or no recipe would be valid", () => {
    const bare = recipeWith({
      critique: null,
      refine: null,
      curate: {},
      policy: { kind: "adaptive" },
    });
    const bad: [Recipe, LeverSettings][] = [
      [bare, { critique: true }],
      [bare, { "critique.prompt": "checklist" }],
      [bare, { "refine.tries": 2 }],
      [bare, { "curate.replay.ratio": 1 }],
      [recipeWith(), { "critique.prompt": "rubric" }],
      [recipeWith(), { "generate.attempts": 1.5 }],
      [recipeWith(), { "generate.temperature": "hot" }],
      [recipeWith(), { "retrain.from": "elsewhere" }],
      [recipeWith({ retrain: { weights: "full" } }), { "retrain.rank": 16 }],
      [recipeWith(), { "curate.maximum": 2 }],
    ];
    for (const [recipe, settings] of bad) {
      expect(() => applyPlan(recipe, settings)).toThrow(/^the plan /);
    }
  });
});

const planWith = (changes: Partial<Plan>): Plan => ({
  ...{ round: 1, author: "coach", settings: {}, tasks: null, decisions: [], stop: null },
  ...{ fallback: null, ...changes },
});

describe("a trial", () => {
  it("is a part of a round's recipe, of prompts that the run has", () => {
    const recipe = recipeWith();
    const of = (settings: LeverSettings, critiques?: readonly string[]) =>
      applyPlan(recipe, settings, critiques).critique;
    expect(of({ "critique.trial": "checklist" })).toMatchObject({
      ...{ prompt: "locate-error", trial: "checklist" },
    });
    expect(of({ "critique.trial": noTrial })?.trial).toBeNull();
    expect(() => of({ "critique.trial": "coach-2" })).toThrow(/not among the run's/);
    expect(of({ "critique.trial": "coach-2" }, ["locate-error", "coach-2"])?.trial).toBe("coach-2");
    expect(() => of({ "critique.trial": "locate-error" })).toThrow(/critique.trial: it is/);
    expect(trialIn({}, { "critique.prompt": "a", "critique.trial": "b" })).toEqual({
      ...{ own: "a", tried: "b" },
    });
    expect(trialIn({}, { "critique.prompt": "a", "critique.trial": noTrial })).toBeNull();
    expect(trialIn({ "critique.prompt": "a" }, {})).toBeNull();
    // A recipe that says nothing has `critique` off; a plan's prompt is asked with all the same.
    const silent = { critique: false, "critique.prompt": "none", "critique.trial": noTrial };
    expect(trialIn(silent, { "critique.prompt": "a", "critique.trial": "none" })).toEqual({
      ...{ own: "a", tried: "none" },
    });
    expect(trialIn({ "critique.prompt": "a", "critique.trial": "b" }, { critique: false })).toEqual(
      {
        ...{ own: "none", tried: "b" },
      },
    );
  });
});

describe("a plan that may not be followed", () => {
  const observation = observationWith({ tasks: tasksWith(new Array(30).fill(null)) });
  const problem = (changes: Partial<Plan>) => planProblem(planWith(changes), observation);

  it("is told by what it claims", () => {
    expect(problem({})).toBeNull();
    expect(problem({ settings: { "retrain.epochs": 6 }, tasks: ["t0", "t3"] })).toBeNull();
    expect(problem({ round: 2 })).toContain("round 2");
    expect(problem({ stop: "tired" })).toContain("before anything was tried");
    expect(problem({ settings: { "retrain.epochs": 7 } })).toContain("outside 2 to 6");
    expect(problem({ settings: { "retrain.epochs": 2.5 } })).toContain("not whole");
    expect(problem({ settings: { "retrain.learningRate": Number.NaN } })).toContain("outside");
    expect(problem({ settings: { critique: 1 } })).toContain("critique to a number");
    expect(problem({ settings: { "critique.prompt": "mine" } })).toContain(
      "critique.prompt to none that was frozen",
    );
    expect(problem({ settings: { "retrain.from": "gate" } })).toContain(
      "neither base nor incumbent",
    );
    expect(problem({ tasks: ["t0", "gate-1"] })).toContain(
      "gate-1 is none that may be learned from",
    );
    expect(problem({ tasks: ["t0", "t0"] })).toContain("twice");
    expect(problem({ tasks: [] })).toContain("0 tasks");
    const all = observation.tasks.map(({ id }) => id);
    expect(problem({ tasks: all })).toContain("30 tasks, outside 1 to 20");
  });

  it("tries a critique prompt that was not frozen, or the round's own", () => {
    const own = observation.recipe["critique.prompt"];
    const among = { ...observation, critiquePrompts: ["locate-error", "checklist"] };
    const tried = (name: string, more: LeverSettings = {}) =>
      planProblem(planWith({ settings: { "critique.trial": name, ...more } }), among);
    for (const name of ["none", "checklist", noTrial])
      expect([name, tried(name)]).toEqual([name, null]);
    expect(own).toBe("locate-error");
    for (const name of ["mine", "locate-error"]) {
      expect(tried(name)).toContain("a critique prompt that was not frozen, or the one");
    }
    // Beside silence the recipe's own is another prompt, and silence none.
    expect(tried("locate-error", { critique: false })).toBeNull();
    expect(tried("none", { critique: false })).toContain("not frozen, or the one");
    expect(tried("checklist", { "critique.prompt": "checklist" })).toContain("or the one");
    const variant = { name: "coach-1", version: "1", hash: "h", body: "" };
    expect(problem({ settings: { "critique.trial": "coach-1" }, variant })).toBeNull();
    expect(problem({ settings: { "critique.trial": "coach-2" }, variant })).not.toBeNull();
  });

  it("goes on from an adapter of another rank", () => {
    const rounds = [roundWith({ number: 1, outcome: "promoted" })];
    const after = observationWith({ rounds });
    const of = (settings: LeverSettings) => planProblem(planWith({ round: 2, settings }), after);
    expect(of({ "retrain.from": "incumbent" })).toBeNull();
    expect(of({ "retrain.from": "incumbent", "retrain.rank": 16 })).toContain(
      "incumbent of rank 8",
    );
    expect(of({ "retrain.rank": 16 })).toBeNull();
  });
});

describe("levers and their limits", () => {
  it("are those that the recipe has", () => {
    const bare = recipeWith({
      critique: null,
      refine: null,
      curate: {},
      policy: { kind: "adaptive" },
    });
    expect(Object.keys(leversOf(bare, 76))).toEqual([
      ...["elicit.tasksPerRound", "generate.attempts", "generate.temperature", "retrain.from"],
      ...["retrain.epochs", "retrain.rank", "retrain.learningRate"],
    ]);
    const remembering = recipeWith({ retrain: { method: "memory" } });
    expect(leversOf(remembering, 76)).not.toHaveProperty("retrain.epochs");
    expect(leversOf(recipeWith({ retrain: { weights: "full" } }), 76)).not.toHaveProperty(
      "retrain.rank",
    );
  });

  it("have no critique that is turned off where lessons are made of it", () => {
    const whether = (changes: Record<string, unknown>) =>
      "critique" in leversOf(recipeWith(changes), 76);
    expect(whether({})).toBe(true);
    expect(whether({ retrain: { method: "memory" } })).toBe(false);
    expect(whether({ memory: {} })).toBe(false);
    expect(whether({ longTerm: { write: true } })).toBe(false);
    expect(whether({ retrain: { method: "memory", lessons: 0 } })).toBe(true);
    expect(whether({ longTerm: { read: true, write: false } })).toBe(true);
    const remembering = leversOf(recipeWith({ memory: {} }), 76);
    expect(remembering["critique.prompt"]).toBe("locate-error");
  });

  it("reach from half to twice what is set, in whole numbers, or as far as the recipe says", () => {
    const limits = { "retrain.epochs": { least: 3, most: 9 } };
    const found = limitsOf(recipeWith({ policy: { kind: "adaptive", limits } }), 76);
    expect(found).toMatchObject({
      "elicit.tasksPerRound": { least: 38, most: 76 },
      "generate.attempts": { least: 4, most: 16 },
      "generate.temperature": { least: 0.4, most: 1.6 },
      "refine.tries": { least: 1, most: 4 },
      "curate.maximum": { least: 24, most: 96 },
      "retrain.epochs": { least: 3, most: 9 },
    });
    expect(found).not.toHaveProperty("critique");
    const voting = recipeWith({ teacher: { labels: "majority" }, generate: { attempts: 3 } });
    expect(limitsOf(voting, 76)["generate.attempts"]).toEqual({ least: 3, most: 6 });
  });

  it("are refused where they make no sense", () => {
    expect(problems({})).toEqual([]);
    expect(problems({ critique: null })).toEqual([
      "policy.critiquePrompts: the recipe has no critique; set critique.prompt too",
    ]);
    expect(problems({ policy: { kind: "adaptive", critiquePrompts: ["checklist"] } })).toEqual([
      "policy.critiquePrompts: no rule chooses a prompt: remove it, or set policy.kind: coach, which does",
    ]);
    expect(problems({ policy: { kind: "adaptive", validation: 100 } })[0]).toMatch(
      /^policy.validation: /,
    );
    const limited = (lever: string, least: number, most: number) =>
      problems({ policy: { kind: "adaptive", limits: { [lever]: { least, most } } } });
    expect(limited("retrain.epochs", 1, 9)).toEqual([]);
    expect(limited("retrain.epochs", 4, 9)[0]).toContain("leaves out the recipe's own 3");
    expect(limited("retrain.epochs", 1, 900)[0]).toContain("1 to 100");
    expect(limited("generate.attempts", 1, 8)[0]).toContain("2 to 256");
    expect(limited("critique", 0, 1)[0]).toContain("is chosen, not moved");
    const without = {
      refine: null,
      critique: null,
      policy: { kind: "adaptive", limits: { "refine.tries": { least: 1, most: 2 } } },
    };
    expect(problems(without)).toContain(
      "policy.limits.refine.tries: the recipe has no refine.tries that could be moved",
    );
    expect(problems({ critique: null, refine: null, policy: { kind: "fixed" } })).toEqual([]);
  });

  it("name the critique prompts that may be taken, the recipe's first", () => {
    expect(critiquePromptsOf(recipeWith())).toEqual(["locate-error", "checklist"]);
    expect(critiquePromptsOf(recipeWith({ policy: { kind: "fixed" } }))).toEqual(["locate-error"]);
    expect(critiquePromptsOf(recipeWith({ critique: null }))).toEqual([]);
  });
});

describe("training tasks", () => {
  const train = Array.from({ length: 100 }, (_, i) => ({ id: `t${i}` }));

  it("are divided once for a run: exemplars, validation, and what may be learned from", () => {
    const recipe = recipeWith({
      teacher: { exemplars: 4 },
      policy: { kind: "adaptive", validation: 24 },
    });
    const { learnable, validation } = divideTraining(recipe, train);
    expect([learnable.length, validation.length]).toEqual([72, 24]);
    expect(new Set([...learnable, ...validation]).size).toBe(96);
    expect(divideTraining(recipe, train).validation).toEqual(validation);
    expect(divideTraining({ ...recipe, seed: 9 }, train).validation).not.toEqual(validation);
  });

  it("may all be learned from under a fixed policy", () => {
    const { learnable, validation } = divideTraining(
      recipeWith({ policy: { kind: "fixed" } }),
      train,
    );
    expect([learnable.length, validation.length]).toEqual([100, 0]);
  });
});
