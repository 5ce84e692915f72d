import { describe, expect, it } from "vitest";
import { requireFollowable } from "../../src/controller/plan.js";
import type { Plan } from "../../src/core/policy.js";
import { recipeSchema } from "../../src/core/recipe.js";
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

describe("a plan", () => {
  it("is followed where it keeps to its levers", () => {
    const plan = proposal({ settings: { "retrain.epochs": 4 }, tasks: ["t1", "t0"] });
    expect(() => requireFollowable(recipe, plan, observation)).not.toThrow();
  });

  it.each([
    [{ settings: { "gate.alpha": 1 } }, "gate.alpha"],
    [{ settings: { "budget.tokens": null } }, "budget.tokens"],
    [{ settings: { "retrain.epochs": 99 } }, "outside 2 to 6"],
    [{ tasks: ["gate-0"] }, "gate-0 is none that may be learned from"],
    [{ stop: "I am done" }, "before anything was tried"],
    [{ round: 3 }, "round 3"],
    [{ author: "adaptive", settings: { "retrain.epochs": 99 } }, "outside 2 to 6"],
  ])("that reaches for more is an error of ours, whoever made it (%j)", (changes, why) => {
    const plan = proposal(changes);
    expect(() => requireFollowable(recipe, plan, observation)).toThrow(
      expect.objectContaining({ kind: "internal", message: expect.stringContaining(why) }),
    );
  });
});
