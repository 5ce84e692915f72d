import { expect, it } from "vitest";
import { proposePlan } from "../../src/controller/coach/propose.js";
import { systemClock } from "../../src/core/clock.js";
import { levers } from "../../src/core/policy.js";
import { type Cache, coachInput, coachPorts, rulesPlan } from "../support/coach.js";
import { loadEngine } from "../support/machine.js";

// A model of this size seldom writes a proposal that can be taken; that a night goes on either way is what counts.
it("a coach on the default weights ends, with a plan of its own or the rules'", async () => {
  const contextTokens = 768;
  const model = await loadEngine({ contextTokens, sequences: 2 });
  const cache: Cache = new Map();
  const planned = () =>
    proposePlan(coachInput(), coachPorts(model, { cache, contextTokens, clock: systemClock }));
  const plan = await planned();
  const asked = cache.size;
  expect(await planned()).toEqual(plan);
  expect(cache.size).toBe(asked);
  await model.dispose();
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(12);
  if (plan.author === "adaptive") expect(plan.settings).toEqual(rulesPlan.settings);
  else expect(Object.keys(plan.settings).every((key) => levers.some((l) => l === key))).toBe(true);
});
