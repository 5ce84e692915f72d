import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backupCommand } from "../../src/cli/commands/backup.js";
import { resumeCommand } from "../../src/cli/commands/run.js";
import { statusCommand } from "../../src/cli/commands/status.js";
import { migrationsDirectory, workspaceAt } from "../../src/cli/paths.js";
import { writeReportSoFar } from "../../src/cli/write-report.js";
import { PausedError } from "../../src/core/errors.js";
import { Store } from "../../src/store/store.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { recordingOutput, temporaryFolder } from "./support.js";

/** A run that waits for a larger budget. */
async function pausedRun() {
  const folder = temporaryFolder();
  const run = await scriptedRun(folder, sumsRecipe(folder, { budget: { rounds: 1 } }));
  await run.work().catch((error) => expect(error).toBeInstanceOf(PausedError));
  return { folder, store: run.store, workspace: workspaceAt(folder), output: recordingOutput() };
}

describe("a run that ended early", () => {
  it("has its report written, and says only where", async () => {
    const { folder, store, workspace, output } = await pausedRun();
    await writeReportSoFar(store, "sums-1", workspace, output);
    const [markdown, html] = ["report.md", "report.html"].map((name) =>
      join("runs", "sums-1", name),
    );
    expect(output.lines).toEqual([`What there is so far: ${markdown} and ${html}`]);
    expect(output.results).toMatchObject([{ kind: "report", ended: { state: "paused" } }]);
    expect(readFileSync(join(folder, markdown!), "utf8")).toContain("--budget rounds=2");
    expect(readdirSync(join(folder, "runs", "sums-1")).sort()).toEqual([
      "report.html",
      "report.md",
    ]);
    store.close();
  });

  it("is not made worse by a report that cannot be written", async () => {
    const { folder, store, workspace, output } = await pausedRun();
    mkdirSync(join(folder, "runs"));
    writeFileSync(join(folder, "runs", "sums-1"), "a file in the way");
    await writeReportSoFar(store, "sums-1", workspace, output);
    expect(output.lines).toEqual([]);
    expect(output.notes).toEqual([expect.stringMatching(/^The report could not be written: /)]);
    store.close();
  });

  it("says in status what it waits for and what to do, once", async () => {
    const { store, workspace, output } = await pausedRun();
    statusCommand(undefined, { workspace, output });
    expect(output.lines.slice(1).join("\n")).toMatch(
      /^\nsums-1 waits: run sums-1 has come to the end of its budget.*\n {2}.*--budget rounds=2$/,
    );
    output.lines.length = 0;
    statusCommand("sums-1", { workspace, output });
    const text = output.lines.join("\n");
    expect(text).toMatch(/\n {2}what to do: .*redistill resume sums-1 --budget rounds=2\n/);
    expect(text.match(/Going on to the last round/g)).toHaveLength(1);
    expect(text).not.toContain("next: redistill resume");
    store.close();
  });
});

describe("in a folder without runs", () => {
  const options = (folder: string) => ({
    workspace: workspaceAt(folder),
    output: recordingOutput(),
    signal: new AbortController().signal,
  });

  it.each([
    ["resume", (folder: string) => resumeCommand(undefined, {}, options(folder)), /no run yet/],
    ["backup", (folder: string) => backupCommand(undefined, options(folder)), /nothing to copy/],
  ])("%s says so and makes nothing", async (_, command, message) => {
    const folder = temporaryFolder();
    await expect(command(folder)).rejects.toMatchObject({
      ...{ kind: "usage", message: expect.stringMatching(message) },
      hint: expect.stringMatching(/redistill run|--database/),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("backup copies no empty database", async () => {
    const folder = temporaryFolder();
    Store.open(workspaceAt(folder).database, migrationsDirectory).close();
    await expect(backupCommand(undefined, options(folder))).rejects.toThrow(/no run in/);
    expect(readdirSync(folder)).toEqual(["memory"]);
    // SQLite's own files beside it come from reading, as with any command.
    const made = readdirSync(join(folder, "memory"));
    expect(made.filter((name) => !name.startsWith("redistill.db"))).toEqual([]);
  });
});
