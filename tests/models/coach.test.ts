import { expect, it } from "vitest";
import { proposePlan } from "../../src/controller/coach/propose.js";
import { systemClock } from "../../src/core/clock.js";
import { levers } from "../../src/core/policy.js";
import { type Cache, coachInput, coachPorts, rulesPlan } from "../support/coach.js";
import { loadEngine } from "../support/machine.js";

// What a model of this size proposes is worth little; that it can be read, and goes on or is refused, is what counts.
it("a coach on the default weights writes a proposal that can be read", async () => {
  const contextTokens = 1024;
  const model = await loadEngine({ contextTokens, sequences: 2 });
  const cache: Cache = new Map();
  const planned = () =>
    proposePlan(
      coachInput(),
      coachPorts(model, { cache, contextTokens, clock: systemClock, held: "grammar" }),
    );
  const plan = await planned();
  const asked = cache.size;
  expect(await planned()).toEqual(plan);
  expect(cache.size).toBe(asked);
  await model.dispose();
  expect(asked).toBeGreaterThan(0);
  // No answer had to be asked for again.
  expect(asked).toBeLessThanOrEqual(6);
  for (const { text, stopReason } of cache.values()) {
    expect(stopReason).toBe("end");
    expect(JSON.parse(text)).toEqual({ tool: expect.any(String), arguments: expect.any(Object) });
  }
  expect(plan.fallback ?? "taken").toMatch(/^(taken|refused)/);
  if (plan.author === "adaptive") expect(plan.settings).toEqual(rulesPlan.settings);
  else expect(Object.keys(plan.settings).every((key) => levers.some((l) => l === key))).toBe(true);
});
