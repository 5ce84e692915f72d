import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import type { TrainingJob } from "../../src/core/ports.js";
import { scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

it.each(["sft", "dpo", "orpo", "kto", "rrhf", "sdft", "gkd", "sdpo", "distill", "grpo"])(
  "a run with %s keeps the lineage of what it trains on",
  async (method) => {
    const folder = mkdtempSync(join(tmpdir(), "redistill-method-"));
    const weighting = method === "sft" ? { weighting: "hardness" } : {};
    const recipe = sumsRecipe(folder, {
      retrain: { method, ...weighting },
      curate: { minimum: 2, carryOver: true },
      teacher: { exemplars: 2 },
    });
    const jobs: TrainingJob[] = [];
    const { train } = scriptedTrain(folder);
    const run = await scriptedRun(folder, recipe, {
      train: (job, options) => {
        jobs.push(job);
        return train(job, options);
      },
    });
    await run.work();
    expect(jobs.map((job) => job.method)).toEqual([method, method]);
    const learned = run.store.rounds.examples.of("sums-1", 2);
    expect(learned.every(({ lesson }) => lesson !== undefined)).toBe(true);
    expect(new Set(learned.map(({ originRound }) => originRound))).toEqual(new Set([1, 2]));
    expect(run.store.audit.lineage("sums-1")).toEqual([]);

    const db = new Database(join(folder, "memory", "redistill.db"));
    db.exec(
      `UPDATE lessons SET lesson = replace(replace(lesson, '"sourceId":"att', '"sourceId":"gone'),
         '"right":false', '"right":true')`,
    );
    db.close();
    const found = run.store.audit.lineage("sums-1").map(({ what }) => what);
    if (["sft", "sdft", "gkd", "sdpo", "distill", "grpo"].includes(method))
      expect(found).toEqual([]);
    else if (method === "kto") expect(found.join()).toMatch(/was not right/);
    else expect(found.join()).toMatch(/name another attempt which is not there/);
    run.store.close();
  },
);
