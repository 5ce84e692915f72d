import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { proposePlan } from "../../../src/controller/coach/propose.js";
import { sha256 } from "../../../src/core/hash.js";
import { ScriptedChatModel } from "../../../src/models/scripted.js";
import { coachInput, coachPorts, rulesPlan, saying } from "../../support/coach.js";
import { hostileCoaches } from "../../support/hostile-coach.js";

const [held, reference] = ["How many eggs are in 17 nests?", "51"];
const network = vi.fn(() => Promise.reject(new Error("no network")));

beforeEach(() => vi.stubGlobal("fetch", network));
afterEach(() => {
  vi.unstubAllGlobals();
  network.mockClear();
});

it.each(hostileCoaches(held, reference))(
  "a coach that tries $name changes nothing",
  async (coach) => {
    const model = new ScriptedChatModel("hostile", saying(...coach.answers));
    const input = coachInput();
    const before = sha256(input);
    const ports = coachPorts(model, {
      leaks: (text) => text.includes(held) || text.includes(reference),
    });
    const plan = await proposePlan(input, ports);
    expect(plan).toMatchObject({
      ...{ author: "adaptive", settings: rulesPlan.settings, tasks: rulesPlan.tasks, stop: null },
      fallback: expect.stringMatching(new RegExp(`^${coach.fault}: .`)),
    });
    const [first, ...rules] = plan.decisions;
    expect(rules).toEqual(rulesPlan.decisions);
    expect(first).toMatchObject({
      ...{ rule: "coach", what: "plan", from: "coach", to: "adaptive" },
      saw: { fault: coach.fault },
    });
    // What it wrote is not carried on, whatever its length, and what it must not hold is not shown.
    expect(JSON.stringify(plan).length).toBeLessThan(3000);
    expect(JSON.stringify(plan)).not.toContain(held);
    expect(sha256(input)).toBe(before);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(network).not.toHaveBeenCalled();
    // Each turn is asked twice at most, and there are six.
    expect(model.ledger.length).toBeLessThanOrEqual(12);
  },
);
