import { expect, it } from "vitest";
import { proposePlan } from "../../src/controller/coach/propose.js";
import { stateText } from "../../src/controller/coach/state.js";
import { systemClock } from "../../src/core/clock.js";
import { levers, type Observation } from "../../src/core/policy.js";
import { renderPrompt } from "../../src/core/prompt.js";
import { observationWith, own } from "../policy/support.js";
import { type Cache, coachInput, coachPorts, observation, rulesPlan } from "../support/coach.js";
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

// docs/coach.md says so: a recipe with every lever, without lessons and with them.
it("the question of a coach takes 400 to 650 tokens of the default weights", async () => {
  const model = await loadEngine({ contextTokens: 512, sequences: 1 });
  const { coach } = coachInput().prompts;
  const tokensOf = async (seen: Observation, teaches: boolean) => {
    const state = stateText(seen, 5, { teach: teaches, write: false });
    const asked = model.render(renderPrompt(coach, { state, turns: "6" }));
    return (await model.countTokens([asked]))[0]!;
  };
  const margins = { cost: 1 };
  const last = { ...observation.rounds[0]!, settings: own };
  const later = observationWith({ clusters: observation.clusters, margins, rounds: [last] });
  const counts = [
    await tokensOf(observationWith({ margins }), false),
    await tokensOf(later, false),
    await tokensOf(later, true),
  ];
  await model.dispose();
  expect(Math.min(...counts)).toBeGreaterThan(400);
  expect(Math.max(...counts)).toBeLessThan(650);
});
