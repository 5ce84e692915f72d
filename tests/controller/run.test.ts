import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RedistillError } from "../../src/core/errors.js";
import type { Train } from "../../src/core/ports.js";
import { stagesOf } from "../../src/stages/index.js";
import { digestOf } from "../support/digest.js";
import { learner, scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));

describe("a run", () => {
  it("takes every round through all eight stages and promotes what is better", async () => {
    const where = folder();
    const recipe = sumsRecipe(where);
    const run = await scriptedRun(where, recipe);
    await run.work();
    const row = run.store.runs.find("sums-1")!;
    expect(row.state).toBe("finished");
    const names = stagesOf(recipe).map(([name]) => name);
    expect(names).toHaveLength(8);
    for (const round of [1, 2]) {
      const done = run.store.rounds.stages("sums-1").filter((stage) => stage.round === round);
      // The last round carries the final test of the sealed suite.
      const final = round === 2 ? ["final"] : [];
      expect(done.map(({ stage }) => stage)).toEqual([...names, ...final]);
    }
    const first = run.store.rounds.decision("sums-1", 1)!;
    expect(first.outcome).toBe("promoted");
    expect(first.gate?.tasks).toBe(60);
    expect(row.incumbent).toBe(run.store.rounds.load("sums-1", 1).candidate?.sha256);
    // The second candidate is as good as the first, so it may not replace it.
    expect(run.store.rounds.decision("sums-1", 2)?.outcome).toBe("rejected");
    expect(run.store.rounds.evaluations.of("sums-1", "sealed", null)).toHaveLength(20);
    expect(run.store.rounds.evaluations.of("sums-1", "sealed", row.incumbent)).toHaveLength(20);
    run.store.close();
  });

  it("never asks about a held-out task before its evaluation, nor a sealed one before the end", async () => {
    const where = folder();
    const run = await scriptedRun(where, sumsRecipe(where));
    await run.work();
    const prompts = (split: "gate" | "sealed" | "train") =>
      run.store.tasks.ofSplit("sums-1", split).map(({ prompt }) => prompt);
    const asked = run.model.ledger.map(({ request }) => request.messages.at(-1)!.content);
    const isOf = (split: string[]) => (text: string) => split.some((p) => text.includes(p));
    const firstSealed = asked.findIndex(isOf(prompts("sealed")));
    expect(firstSealed).toBeGreaterThan(-1);
    expect(asked.slice(firstSealed).every(isOf(prompts("sealed")))).toBe(true);
    const learned = run.store.rounds.examples
      .of("sums-1", 2)
      .map(({ messages }) => messages[0]!.content);
    expect(learned.length).toBeGreaterThan(0);
    expect(learned.some(isOf([...prompts("gate"), ...prompts("sealed")]))).toBe(false);
    run.store.close();
  });

  it("pays for each request once, however often it is interrupted", async () => {
    const where = folder();
    const undisturbed = await scriptedRun(where, sumsRecipe(where));
    await undisturbed.work();
    const paid = undisturbed.model.ledger.length;
    undisturbed.store.close();

    const other = folder();
    const recipe = { ...sumsRecipe(where), name: "sums" };
    let paidInPieces = 0;
    for (let attempt = 0; ; attempt++) {
      expect(attempt).toBeLessThan(200);
      const stop = new AbortController();
      // At a different answer each time.
      let left = 1 + ((attempt * 7) % 40);
      const run = await scriptedRun(other, recipe, {
        script: (request, adapter) => {
          if (--left === 0) stop.abort();
          return learner(request, adapter);
        },
      });
      const ended = run.work(stop.signal).then(
        () => "finished",
        (error: unknown) => (error as RedistillError).kind,
      );
      const how = await ended;
      paidInPieces += run.model.ledger.length;
      run.store.close();
      if (how === "finished") break;
      expect(how).toBe("interrupted");
    }
    expect(paidInPieces).toBe(paid);
    expect(digestOf(join(other, "memory/redistill.db"))).toEqual(
      digestOf(join(where, "memory/redistill.db")),
    );
  });

  it("keeps the incumbent and says why when there is too little to learn", async () => {
    const where = folder();
    const run = await scriptedRun(where, sumsRecipe(where), { script: () => "no idea" });
    await run.work();
    const decision = run.store.rounds.decision("sums-1", 1)!;
    expect(decision.outcome).toBe("skipped");
    expect(decision.reason).toContain("0 examples, 8 needed");
    const gate = run.store.rounds.evaluations.of("sums-1", "gate", null);
    expect(gate.every(({ verdict }) => verdict.outcome === "ungradable")).toBe(true);
    run.store.close();
  });

  it("gives up a round whose training diverges, not the run", async () => {
    const where = folder();
    let times = 0;
    const honest = scriptedTrain(where).train;
    const diverges: Train = (job, options) => {
      // The second try is at half the rate.
      if (++times > 2) return honest(job, options);
      throw Object.assign(new RedistillError("training", "the loss became NaN", "lower the rate"), {
        fault: "nan_loss",
      });
    };
    const run = await scriptedRun(where, sumsRecipe(where), { train: diverges });
    await run.work();
    expect(run.store.rounds.decision("sums-1", 1)?.outcome).toBe("skipped");
    expect(run.store.rounds.decision("sums-1", 1)?.reason).toContain("nan_loss");
    expect(run.store.rounds.decision("sums-1", 2)?.outcome).toBe("promoted");
    run.store.close();
  });

  it("fails, says so in its row and goes on later when the trainer breaks", async () => {
    const where = folder();
    const broken: Train = () =>
      Promise.reject(new RedistillError("training", "the worker was killed", "resume"));
    const run = await scriptedRun(where, sumsRecipe(where), { train: broken });
    await expect(run.work()).rejects.toThrow("the worker was killed");
    expect(run.store.runs.find("sums-1")).toMatchObject({
      state: "failed",
      failure: "the worker was killed",
    });
    run.store.close();
    const again = await scriptedRun(where, sumsRecipe(where));
    await again.work();
    expect(again.store.runs.find("sums-1")?.state).toBe("finished");
    again.store.close();
  });

  it("learns by majority without looking at references", async () => {
    const where = folder();
    const recipe = sumsRecipe(where, {
      teacher: { labels: "majority", majorityShare: 0.4 },
      critique: null,
      refine: null,
    });
    const run = await scriptedRun(where, recipe, {
      // Most samples agree on an answer that is wrong: the majority is what gets learned.
      script: (request) => (request.sampling.seed % 3 === 0 ? "7" : "5"),
    });
    await run.work();
    const examples = run.store.rounds.examples.of("sums-1", 1);
    expect(examples.length).toBeGreaterThan(8);
    expect(new Set(examples.map(({ completion }) => completion))).toContain("5");
    const { attempts } = run.store.rounds.load("sums-1", 1);
    expect(new Set(attempts.map(({ verdict }) => verdict.verifier))).toEqual(new Set(["majority"]));
    run.store.close();
  });
});
