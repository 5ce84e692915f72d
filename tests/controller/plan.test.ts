import { describe, expect, it } from "vitest";
import { followable, planNotes } from "../../src/controller/plan.js";
import type { Plan } from "../../src/core/policy.js";
import { recipeSchema } from "../../src/core/recipe.js";
import { adaptive } from "../../src/policy/adaptive.js";
import { observationWith, tasksWith } from "../policy/support.js";

const recipe = recipeSchema.parse({
  name: "unit",
  rounds: 4,
  tasks: { source: "orders", train: 100, gate: 10 },
  critique: { prompt: "locate-error" },
  refine: { prompt: "rewrite" },
  curate: { maximum: 48, replay: { path: "replay.jsonl", ratio: 0.5 } },
  policy: { kind: "coach" },
});
const observation = observationWith({ tasks: tasksWith(new Array(20).fill(null)) });
const proposal = (changes: object): Plan => ({
  ...{ round: 1, author: "coach", settings: {}, tasks: null, decisions: [], stop: null },
  ...{ fallback: null, ...changes },
});

describe("a coach's proposal", () => {
  it("is taken as it is where it keeps to its levers", () => {
    const plan = proposal({ settings: { "retrain.epochs": 4 }, tasks: ["t1", "t0"] });
    expect(followable(recipe, plan, observation)).toBe(plan);
  });

  it.each([
    [{ settings: { "gate.alpha": 1 } }, "gate.alpha"],
    [{ settings: { "budget.tokens": null } }, "budget.tokens"],
    [{ settings: { "retrain.epochs": 99 } }, "outside 2 to 6"],
    [{ tasks: ["gate-0"] }, "gate-0 is none that may be learned from"],
    [{ stop: "I am done" }, "before anything was tried"],
    [{ round: 3 }, "round 3"],
  ])("that reaches for more is replaced by the rules' plan, which says so (%j)", (changes, why) => {
    const plan = followable(recipe, proposal(changes), observation);
    expect(plan).toEqual({ ...adaptive(observation), fallback: expect.stringContaining(why) });
    expect(planNotes(plan)[0]).toContain("the coach's proposal was not taken: ");
  });
});

it("rules that break their own limits are an error of ours", () => {
  const plan = proposal({ author: "adaptive", settings: { "retrain.epochs": 99 } });
  expect(() => followable(recipe, plan, observation)).toThrow(/cannot be followed.*outside/);
});
