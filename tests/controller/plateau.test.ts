import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readReport, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { digestOf } from "../support/digest.js";
import { foldersFor } from "../support/folders.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("plateau", "each");

const recipe = (stop: object | null) => sumsRecipe(folder(), { rounds: 6, stop });

describe("a run on a plateau", () => {
  it("ends early with the sealed suite asked, and its report says why", async () => {
    const run = await scriptedRun(folder(), recipe({ afterRounds: 2 }));
    await run.work();
    expect(run.store.runs.find("sums-1")?.state).toBe("finished");
    const outcomes = run.store.rounds
      .all("sums-1")
      .map(({ number }) => run.store.rounds.decision("sums-1", number)?.outcome);
    expect(outcomes).toEqual(["promoted", "rejected", "rejected"]);
    expect(run.store.rounds.stages("sums-1").at(-1)).toMatchObject({ round: 3, stage: "final" });
    const { incumbent } = run.store.runs.find("sums-1")!;
    expect(run.store.rounds.evaluations.of("sums-1", "sealed", incumbent)).toHaveLength(20);
    const report = readReport(run.store, "sums-1");
    const why =
      "Stopped early, after 3 of 6 rounds: the last 2 rounds gained +0.0 points on the gate suite";
    expect(renderMarkdown(report)).toContain(`- ${why}`);
    expect(renderTerminal(report)).toContain(why);
    // The level of each look is still that of the six rounds that were planned.
    expect(report.basis.levelPerLook).toBeCloseTo(0.05 / 6);
    expect(run.seen).toContainEqual({
      kind: "note",
      text: expect.stringMatching(/^Stopping early: the last 2 rounds gained/),
    });
    run.store.close();
  });

  it("ends after the same round when it was stopped on its way, also in the sealed suite", async () => {
    const same = recipe({ afterRounds: 2 });
    const calm = folder();
    const undisturbed = await scriptedRun(calm, same);
    await undisturbed.work();
    const last = undisturbed.model.ledger.length;
    undisturbed.store.close();

    const where = folder();
    for (const answers of [300, last - 5, Number.POSITIVE_INFINITY]) {
      const stop = new AbortController();
      const run = await scriptedRun(where, same, {
        script: (request, adapter) => {
          if (run.store.spend.of("sums-1", null, null).calls >= answers) stop.abort();
          return learner(request, adapter);
        },
      });
      const ended = run.work(stop.signal);
      if (answers === Number.POSITIVE_INFINITY) await ended;
      else await expect(ended).rejects.toThrow(/was stopped/);
      run.store.close();
    }
    expect(digestOf(join(where, "memory/redistill.db"))).toEqual(
      digestOf(join(calm, "memory/redistill.db")),
    );
  });

  it("goes on to the last round without a rule", async () => {
    const run = await scriptedRun(folder(), recipe(null));
    await run.work();
    expect(run.store.rounds.all("sums-1")).toHaveLength(6);
    expect(renderMarkdown(readReport(run.store, "sums-1"))).not.toContain("Stopped early");
    run.store.close();
  });
});
