import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { proposePlan } from "../../../src/controller/coach/propose.js";
import { Ledger } from "../../../src/controller/ledger.js";
import { portsFor } from "../../../src/controller/tick.js";
import type { RunContext } from "../../../src/controller/unit.js";
import { systemClock } from "../../../src/core/clock.js";
import { eachRole } from "../../../src/core/model.js";
import type { ChatModel } from "../../../src/core/ports.js";
import { type Script, ScriptedChatModel } from "../../../src/models/scripted.js";
import type { Store } from "../../../src/store/store.js";
import { call, coachInput, coachPorts, proposal, saying } from "../../support/coach.js";
import { ManualClock } from "../../support/manual-clock.js";
import { scriptedRun, sumsRecipe } from "../../support/scripted-run.js";

const looks = [call("rounds"), call("clusters"), call("lessons"), proposal({ cluster: "c1" })];

const folder = () => mkdtempSync(join(tmpdir(), "redistill-coach-"));
const stored = async (where: string) => (await scriptedRun(where, sumsRecipe(where))).store;

/** Plans with the run's own `Complete`: its cache, its ledger, its commits. */
function plan(store: Store, model: ChatModel, clock = new ManualClock()) {
  const run = store.runs.find("sums-1")!;
  const models = eachRole(() => model);
  const ledger = new Ledger({ store, run, clock: systemClock, models });
  const unused = { prompts: { rubric: null, repair: null }, observe: () => {} };
  const context = { store, runId: run.id, models, ...unused } as unknown as RunContext;
  const work = { round: { number: 2 }, stage: "plan", role: "coach" as const, ledger };
  const complete = (signal: AbortSignal) => portsFor({ ...context, signal }, run, work).complete;
  return proposePlan(coachInput(), coachPorts(model, { complete, clock }));
}

const paid = (store: Store) =>
  (store as unknown as { db: import("better-sqlite3").Database }).db
    .prepare("SELECT paid_in_round, paid_in_stage, adapter FROM calls ORDER BY created_at")
    .all();

it("a coach's turns are calls of the run, and a killed one goes on after those that were paid for", async () => {
  const where = folder();
  let left = 2;
  const dying: Script = (request) => {
    if (left-- === 0) throw new Error("killed");
    return saying(...looks)(request);
  };
  const first = await stored(where);
  await expect(plan(first, new ScriptedChatModel("coach", dying))).rejects.toThrow("killed");
  const row = { paid_in_round: 2, paid_in_stage: "plan", adapter: null };
  expect(paid(first)).toEqual([row, row]);
  first.close();

  const second = await stored(where);
  const model = new ScriptedChatModel("coach", saying(...looks));
  const resumed = await plan(second, model);
  expect(model.ledger).toHaveLength(2);
  expect(paid(second)).toHaveLength(4);
  const undisturbed = await stored(folder());
  expect(await plan(undisturbed, new ScriptedChatModel("coach", saying(...looks)))).toEqual(
    resumed,
  );
  expect(resumed.author).toBe("coach");

  const silent = new ScriptedChatModel("coach", () => {
    throw new Error("it was asked again");
  });
  expect(await plan(second, silent)).toEqual(resumed);
  for (const store of [second, undisturbed]) store.close();
});

it("a coach whose time is over leaves nothing under way", async () => {
  const store = await stored(folder());
  const hanging = new ScriptedChatModel("coach", saying(...looks));
  const clock = new ManualClock();
  const asked = new Promise<void>((resolve) => {
    hanging.sample = (_requests, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        resolve();
      });
  });
  const planning = plan(store, hanging, clock);
  await Promise.race([asked, planning]);
  clock.advance(600_000);
  expect((await planning).fallback).toMatch(/^timed-out: /);
  expect(paid(store)).toEqual([]);
  expect((await plan(store, new ScriptedChatModel("coach", saying(...looks)))).author).toBe(
    "coach",
  );
  store.close();
});
