import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { isWholeModel } from "../../src/core/entities.js";
import type { TrainingJob } from "../../src/core/ports.js";
import { collectGarbage } from "../../src/operations/gc.js";
import { readReport } from "../../src/report/read.js";
import { bestItems, waysToUse } from "../../src/report/use.js";
import { Store } from "../../src/store/store.js";
import { recordingOutput } from "../cli/support.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import {
  backUp,
  bringBack,
  databaseOf,
  finishedFolder,
  flip,
  migrations,
  operating,
  problemsOf,
  temporaryFolder,
} from "./support.js";
import { fileTrain } from "./train.js";

const retrain = { weights: "full", from: "incumbent" };

function incumbentOf(folder: string) {
  const store = Store.openReadOnly(databaseOf(folder), migrations);
  try {
    const row = store.adapters.find(store.runs.find("sums-1")!.incumbent!)!;
    return { row, report: readReport(store, "sums-1") };
  } finally {
    store.close();
  }
}

describe("a run whose candidates are whole models", () => {
  it("trains without an adapter and goes on from the incumbent's file", async () => {
    const folder = temporaryFolder();
    const jobs: TrainingJob[] = [];
    const files = fileTrain(folder);
    const run = await scriptedRun(folder, sumsRecipe(folder, { retrain }), {
      train: (job, options) => {
        jobs.push(job);
        return files(job, options);
      },
    });
    await run.work();
    const candidates = run.store.rounds.all("sums-1").map(({ candidate }) => candidate!);
    run.store.close();
    const [first, second] = jobs;
    expect(first).toMatchObject({ weights: "full", parent: null });
    expect(first!.settings).not.toHaveProperty("rank");
    expect(first!.settings.learningRate).toBe(1e-4);
    // Every candidate is asked under the hash of its own file.
    const { row } = incumbentOf(folder);
    expect(isWholeModel(row)).toBe(true);
    expect(row.weights).toBe(row.sha256);
    expect(second!.parent).toMatchObject({ sha256: candidates[0] });
    expect(isWholeModel(second!.parent!)).toBe(true);
  });

  it("is verified, backed up, brought back and cleared up like one with adapters", async () => {
    const folder = await finishedFolder({ retrain });
    expect(await problemsOf(folder)).toEqual([]);
    expect(await backUp(folder, "copy")).toMatchObject({ runs: 1, adapters: 2 });
    const elsewhere = temporaryFolder();
    await bringBack(elsewhere, join(folder, "copy"));
    const { row } = incumbentOf(elsewhere);
    const path = join(elsewhere, row.ggufPath!);
    expect(readFileSync(path, "utf8")).toMatch(/^whole model of/);
    const rest = { yes: true, rejectedDays: null, cache: temporaryFolder() };
    const trainer = join(elsewhere, "trainer");
    const { items } = await collectGarbage(workspaceAt(elsewhere), {
      ...operating,
      ...rest,
      trainer,
    });
    expect(items).toEqual([]);
    flip(path, 3);
    expect(await problemsOf(elsewhere)).toMatchObject([
      { what: expect.stringMatching(/model\.gguf was cut off or changed/) },
    ]);
  });

  it("is exported as the file that was measured, and told as what it is", async () => {
    const folder = await finishedFolder({ retrain });
    const output = recordingOutput();
    const options = { workspace: workspaceAt(folder), output, signal: operating.signal };
    await exportCommand(undefined, {}, options);
    const exported = join(folder, "exports", "sums-1");
    expect(readdirSync(exported).sort()).toEqual(["README.md", "model.gguf", "training-set.jsonl"]);
    const { row, report } = incumbentOf(folder);
    expect(readFileSync(join(exported, "model.gguf"))).toEqual(
      readFileSync(join(folder, row.ggufPath!)),
    );
    const readme = readFileSync(join(exported, "README.md"), "utf8");
    for (const part of ["llama-cli -m model.gguf", "all of whose weights", row.sha256])
      expect(readme).toContain(part);
    const told = [...bestItems(report), ...waysToUse(report).flatMap(({ lines }) => lines)].join(
      "\n",
    );
    expect(told).toContain("a whole model in half precision");
    expect(`${readme}${told}`).not.toMatch(/--lora|PeftModel|LoRA/);
  });

  it("is refused at its backup when its file was changed", async () => {
    const folder = await finishedFolder({ retrain });
    flip(join(folder, incumbentOf(folder).row.ggufPath!), 1);
    await expect(backUp(folder, "copy")).rejects.toMatchObject({ kind: "storage" });
  });
});
