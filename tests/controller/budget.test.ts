import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { amountLimits, budgetSchema } from "../../src/core/budget.js";
import { EngineFault, PausedError, RedistillError } from "../../src/core/errors.js";
import { costOf, priceOf } from "../../src/core/money.js";
import type { Train } from "../../src/core/ports.js";
import { digestOf } from "../support/digest.js";
import { foldersFor } from "../support/folders.js";
import { ManualClock } from "../support/manual-clock.js";
import { learner, scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("budget", "each");

type Run = Awaited<ReturnType<typeof scriptedRun>>;
const recipe = (changes: Record<string, unknown> = {}) => sumsRecipe(folder(), changes);

/** Gives a run another budget, as `resume --budget` does. */
function give({ store }: Run, budget: object, prices = {}): void {
  store.runs.change("sums-1", { budget: budgetSchema.parse(budget), prices });
}

async function pauseOf(run: Run): Promise<PausedError> {
  const error = await run.work().then(
    () => new Error("the run ended"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PausedError)) throw error;
  return error;
}

const spentBy = ({ store }: Run) => store.spend.of("sums-1", null, null);
const databaseOf = (where: string) => join(where, "memory", "redistill.db");

describe("a budget of tokens, calls and money", () => {
  it("pauses in the middle of a stage, keeps what was paid for, and goes on when raised", async () => {
    const same = recipe();
    const calm = folder();
    const undisturbed = await scriptedRun(calm, same);
    await undisturbed.work();
    const whole = spentBy(undisturbed);
    undisturbed.store.close();

    const where = folder();
    const run = await scriptedRun(where, same);
    give(run, { tokens: 300 });
    const error = await pauseOf(run);
    expect(error).toMatchObject({ reason: "budget", exitCode: 75 });
    expect(error.message).toMatch(
      /^run sums-1 has come to the end of its budget of 300 tokens: \d+ spent, and the next step could take \d+$/,
    );
    expect(error.hint).toMatch(/redistill resume sums-1 --budget tokens=(5\d|60)0$/);
    const row = run.store.runs.find("sums-1")!;
    expect(row).toMatchObject({ state: "paused", failure: error.message, ownerPid: null });
    expect(run.store.events.of("sums-1").at(-1)).toMatchObject({
      kind: "paused",
      payload: { cause: "budget" },
    });
    // In the middle of the second stage; every answer that was given is a row.
    const { calls, tokens } = spentBy(run);
    expect(run.store.rounds.stages("sums-1").map(({ stage }) => stage)).toEqual(["elicit"]);
    expect(Number(calls)).toBe(run.model.ledger.length);
    expect(Number(calls)).toBeGreaterThan(5);
    expect(tokens).toBeLessThanOrEqual(300n);
    // Less is left than one more request could take.
    expect(tokens).toBeGreaterThan(300n - 100n);

    // As it is, it pauses again and pays nothing.
    await pauseOf(run);
    expect(spentBy(run)).toMatchObject({ calls, tokens });
    give(run, {});
    await run.work();
    expect(spentBy(run)).toMatchObject({ calls: whole.calls, tokens: whole.tokens });
    expect(run.model.ledger).toHaveLength(Number(whole.calls));
    run.store.close();
    expect(digestOf(databaseOf(where))).toEqual(digestOf(databaseOf(calm)));
  });

  it("is never exceeded, however often it is raised, at any point of a round", async () => {
    const same = recipe();
    const calm = folder();
    const undisturbed = await scriptedRun(calm, same);
    await undisturbed.work();
    undisturbed.store.close();

    const where = folder();
    const run = await scriptedRun(where, same);
    const stagesPausedIn = new Set<string>();
    let limit = 0;
    for (let state = ""; state !== "finished"; state = run.store.runs.find("sums-1")!.state) {
      limit += 29;
      give(run, { calls: limit });
      await run.work().catch((error) => expect(error).toBeInstanceOf(PausedError));
      expect(Number(spentBy(run).calls)).toBeLessThanOrEqual(limit);
      stagesPausedIn.add(`${run.store.rounds.stages("sums-1").at(-1)?.stage}`);
    }
    // After which stages it had to wait: in generate, critique, refine, evaluate, the sealed suite.
    expect(stagesPausedIn.size).toBeGreaterThanOrEqual(5);
    run.store.close();
    expect(digestOf(databaseOf(where))).toEqual(digestOf(databaseOf(calm)));
  });

  it("reserves a request that is sent again after a crash of the engine once", async () => {
    const same = recipe();
    const undisturbed = await scriptedRun(folder(), same);
    await undisturbed.work();
    const { calls } = spentBy(undisturbed);
    undisturbed.store.close();

    const crashes = new Set([1, 5, 9].map((fromEnd) => Number(calls) - fromEnd));
    const run: Run = await scriptedRun(folder(), recipe({ budget: { calls: Number(calls) } }), {
      script: (request, adapter) => {
        if (crashes.delete(run.model.ledger.length)) {
          throw new EngineFault("crashed", true, "told to crash", "hint");
        }
        return learner(request, adapter);
      },
    });
    await run.work();
    expect(crashes.size).toBe(0);
    expect(spentBy(run).calls).toBe(calls);
    run.store.close();
  });

  it("says after a round what going on would take, and how to allow it", async () => {
    const run = await scriptedRun(folder(), recipe({ rounds: 4, budget: { rounds: 1 } }));
    const { message, hint } = await pauseOf(run);
    expect(message).toBe("run sums-1 has come to the end of its budget of 1 round: 1 spent");
    expect(hint).toMatch(
      /^Going on to the last round would take about [\d,]+ tokens, \d+ calls.*, by the mean of the finished round; /,
    );
    expect(hint).toMatch(/redistill resume sums-1 --budget rounds=4$/);
    expect(run.store.rounds.all("sums-1")).toHaveLength(1);
    give(run, { rounds: 3 });
    await pauseOf(run);
    expect(run.store.rounds.all("sums-1")).toHaveLength(3);
    run.store.close();
  });

  it("costs nothing where another run has paid", async () => {
    const where = folder();
    const same = recipe();
    const first = await scriptedRun(where, same);
    await first.work();
    first.store.close();
    const second = await scriptedRun(
      where,
      { ...same, budget: budgetSchema.parse({ calls: 1 }) },
      {
        runId: "sums-2",
      },
    );
    await second.work();
    expect(second.model.ledger).toEqual([]);
    expect(second.store.spend.of("sums-2", null, null)).toMatchObject({ calls: 0n, tokens: 0n });
    second.store.close();
  });

  it("of money is kept to the last micro-unit", async () => {
    const prices = {
      scripted: { prompt: 0.1, completion: 0.7 },
      default: { prompt: 3, completion: 7 },
    };
    const run = await scriptedRun(folder(), recipe({ budget: { money: 0.001 }, prices }));
    const { message } = await pauseOf(run);
    expect(message).toMatch(/budget of 0\.001 in money: 0\.000\d+ spent, and the next step/);
    const price = priceOf(prices, "default")!;
    const { money } = run.store.spend.of("sums-1", () => price, null);
    const exact = run.model.ledger.length;
    const rows = run.store.spend.byStage("sums-1");
    expect(rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(exact);
    expect(money).toBe(
      rows.reduce((sum, r) => sum + costOf(price, r.promptTokens, r.completionTokens), 0n),
    );
    expect(money).toBeLessThanOrEqual(amountLimits(budgetSchema.parse({ money: 0.001 })).money!);
    run.store.close();
  });

  it("of money for a model without a price is refused before anything is asked", async () => {
    const run = await scriptedRun(folder(), recipe({ budget: { night: { money: 1 } } }));
    const error = await run.work().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RedistillError);
    expect(error).toMatchObject({ kind: "usage" });
    expect(String(error)).toContain("prices has no entry for the model default");
    expect(run.model.ledger).toEqual([]);
    run.store.close();
  });
});

describe("a budget for a night", () => {
  const zone = { timeZone: "Europe/Vienna" };

  it("begins anew at noon, also after the night in which the clocks change", async () => {
    const clock = new ManualClock("2026-10-24T20:00:00Z");
    const budget = { ...zone, night: { calls: 30 } };
    const run = await scriptedRun(folder(), recipe({ budget }), { clock });
    const { message, hint } = await pauseOf(run);
    expect(message).toContain("budget of 30 calls for the night of 2026-10-24: 30 spent");
    expect(hint).toContain(
      "The next night begins at 2026-10-25 12:00; then: redistill resume sums-1.",
    );
    expect(hint).toMatch(/--budget night\.calls=60$/);
    // Ten in the morning UTC was noon yesterday; tonight had an hour more.
    clock.set("2026-10-25T10:59:59Z");
    await pauseOf(run);
    expect(run.model.ledger).toHaveLength(30);
    clock.set("2026-10-25T11:00:00Z");
    expect((await pauseOf(run)).message).toContain("for the night of 2026-10-25");
    expect(run.model.ledger).toHaveLength(60);
    run.store.close();
  });

  it("rolls over while the run is at work", async () => {
    const clock = new ManualClock("2026-11-24T10:30:00Z");
    // A minute an answer: thirty of the calls are in the old night, the others in the new one.
    const script: typeof learner = (request, adapter) => {
      clock.advance(60_000);
      return learner(request, adapter);
    };
    const budget = { ...zone, night: { calls: 50 } };
    const run = await scriptedRun(folder(), recipe({ budget }), { clock, script });
    const { message } = await pauseOf(run);
    expect(message).toContain("for the night of 2026-11-24: 50 spent");
    const nights = run.store.spend.nights("sums-1", "Europe/Vienna");
    expect(nights.map(({ name }) => name)).toEqual(["2026-11-23", "2026-11-24"]);
    const calls = nights.map((night) => run.store.spend.of("sums-1", null, night).calls);
    expect(calls).toEqual([29n, 50n]);
    run.store.close();
  });
});

describe("a budget of minutes", () => {
  /** Every answer takes two seconds. */
  const slow =
    (clock: ManualClock): typeof learner =>
    (request, adapter) => {
      clock.advance(2_000);
      return learner(request, adapter);
    };
  const model = { sequences: 4 };

  it("counts work and no pause, over all resumes, and stops within one batch of answers", async () => {
    const clock = new ManualClock();
    const where = folder();
    const same = recipe({ model, budget: { minutes: 2 } });
    const stop = new AbortController();
    const begun: Run = await scriptedRun(where, same, {
      clock,
      script: (request, adapter) => {
        if (begun.model.ledger.length === 20) stop.abort();
        return slow(clock)(request, adapter);
      },
    });
    await expect(begun.work(stop.signal)).rejects.toThrow(/was stopped/);
    expect(spentBy(begun).minutes).toBe(42_000n);
    begun.store.close();
    // Days later, and the clock was set back.
    clock.set("2026-11-30T20:00:00Z");
    clock.set("2026-11-29T20:00:00Z");
    const again = await scriptedRun(where, same, { clock, script: slow(clock) });
    expect((await pauseOf(again)).message).toMatch(/budget of 2 minutes: 2(\.1)? spent/);
    const { minutes } = spentBy(again);
    expect(minutes).toBeGreaterThanOrEqual(120_000n);
    expect(minutes).toBeLessThanOrEqual(120_000n + 4n * 2_000n);
    await pauseOf(again);
    expect(spentBy(again).minutes).toBe(minutes);
    again.store.close();
  });

  it("stops a training at its checkpoint, and the round goes on with it", async () => {
    const clock = new ManualClock();
    const where = folder();
    const honest = scriptedTrain(where);
    let seen = 0;
    const train: Train = async (job, options) => {
      if (++seen > 1) return honest.train(job, options);
      return new Promise((_, reject) => {
        options.signal.addEventListener("abort", () => reject(new Error("cancelled")));
        clock.advance(7 * 60_000);
      });
    };
    const run = await scriptedRun(where, recipe({ budget: { minutes: 5 } }), { clock, train });
    expect((await pauseOf(run)).message).toMatch(/budget of 5 minutes: 7 spent/);
    const stages = () => run.store.rounds.stages("sums-1").map(({ stage }) => stage);
    expect(stages().at(-1)).toBe("curate");
    // The time of a unit that ended early is written down too.
    expect(spentBy(run).minutes).toBe(420_000n);
    give(run, { minutes: 60 });
    await run.work();
    expect(run.store.rounds.decision("sums-1", 1)?.outcome).toBe("promoted");
    run.store.close();
  });

  it("does not take a training's own failure for its end", async () => {
    const clock = new ManualClock();
    const train: Train = () => Promise.reject(new RedistillError("training", "broken", "mend it"));
    const run = await scriptedRun(folder(), recipe({ budget: { minutes: 5 } }), { clock, train });
    await expect(run.work()).rejects.toThrow("broken");
    expect(run.store.runs.find("sums-1")?.state).toBe("failed");
    run.store.close();
  });
});

describe("a budget of disk", () => {
  it("counts what the database grows by", async () => {
    const run = await scriptedRun(folder(), recipe({ budget: { diskMegabytes: 0.1 } }));
    expect((await pauseOf(run)).message).toMatch(/budget of 0\.1 MB of disk/);
    const { diskMegabytes, calls } = spentBy(run);
    expect(calls).toBeGreaterThan(10n);
    expect(diskMegabytes).toBeLessThanOrEqual(100_000n + 20_000n);
    expect(diskMegabytes).toBeGreaterThan(50_000n);
    run.store.close();
  });

  it("counts adapters, and begins no training whose adapter will not fit", async () => {
    const where = folder();
    const honest = scriptedTrain(where);
    const train: Train = async (job, options) => {
      const result = await honest.train(job, options);
      mkdirSync(dirname(result.ggufPath), { recursive: true });
      writeFileSync(result.ggufPath, Buffer.alloc(5_000_000));
      return result;
    };
    const run = await scriptedRun(where, recipe({ budget: { diskMegabytes: 9 } }), { train });
    const { message } = await pauseOf(run);
    expect(message).toMatch(/budget of 9 MB of disk: 5\.\d spent, and the next step could take 5$/);
    expect(honest.trained).toHaveLength(1);
    const { stage, round } = run.store.rounds.stages("sums-1").at(-1)!;
    expect([stage, round]).toEqual(["curate", 2]);
    run.store.close();
  });
});
