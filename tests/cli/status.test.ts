import { readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { reportCommand } from "../../src/cli/commands/report.js";
import { statusCommand } from "../../src/cli/commands/status.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { gameableRecipe, gaming } from "../support/unhealthy.js";
import { finishedWorkspace, recordingOutput, temporaryFolder } from "./support.js";

/** No process has this number: it is above the largest that Linux gives. */
const deadPid = 2 ** 22 + 1;

describe("redistill status", () => {
  it("is friendly where there is no run yet", () => {
    const output = recordingOutput();
    statusCommand(undefined, { workspace: workspaceAt(temporaryFolder()), output });
    expect(output.lines.join("\n")).toContain("No runs here yet");
    expect(output.results).toEqual([{ kind: "status", runs: [] }]);
  });

  it("lists runs and shows one", async () => {
    const { options, output, incumbent } = await finishedWorkspace();
    statusCommand(undefined, options);
    expect(output.lines[0]).toMatch(
      new RegExp(`^sums-1  finished  round 2/2  incumbent ${incumbent!.slice(0, 12)}  last: `),
    );
    statusCommand("sums-1", options);
    expect(output.lines.join("\n")).toMatch(/round 1 promoted \(adapter [0-9a-f]{12}\): gate/);
    expect(() => statusCommand("sums-7", options)).toThrow(/no run sums-7/);
  });

  it("says which promotion was taken back", async () => {
    const folder = temporaryFolder();
    const recipe = gameableRecipe(folder, { length: { action: "roll-back" } });
    const run = await scriptedRun(folder, recipe, { script: gaming });
    await run.work();
    const options = { workspace: workspaceAt(folder), output: recordingOutput() };
    statusCommand(undefined, options);
    statusCommand("sums-1", options);
    const text = options.output.lines.join("\n");
    expect(text).toContain("incumbent base weights  last: rolled back");
    expect(text).toMatch(/round 1 promoted, then rolled back \(adapter [0-9a-f]{12}\): gate/);
    run.store.close();
  });

  it("tells a run that goes on from one whose process is gone", async () => {
    const folder = temporaryFolder();
    const { store } = await scriptedRun(folder, sumsRecipe(folder));
    const options = { workspace: workspaceAt(folder), output: recordingOutput() };
    const state = () => {
      statusCommand("sums-1", options);
      return (options.output.results.at(-1) as { run: { state: string } }).run.state;
    };
    const own = (pid: number, now = Date.now()) => {
      store.runs.own("sums-1", pid);
      const owner = { host: hostname(), pid, started: null };
      store.leases.take("sums-1", store.leases.find("sums-1"), owner, { now, durationMs: 60_000 });
    };
    own(process.pid);
    store.runs.setProgress("sums-1", {
      ...{ kind: "items", round: 1, stage: "generate", done: 3, total: 8, cached: 0 },
      ...{ tokensPerSecond: 80, secondsLeft: 75, score: 0.735 },
    });
    expect(state()).toBe("running");
    expect(options.output.lines).toContain(
      "  now: round 1 generate: 3/8, 80 tokens/s, 1m 15s left, incumbent 73.5% on the gate",
    );
    own(deadPid);
    expect(state()).toBe("stopped unexpectedly");
    // The machine restarted, and the number is another process's now: no sign of life comes.
    own(process.pid, Date.now() - 60_001);
    expect(state()).toBe("stopped unexpectedly");
    expect(options.output.lines).toContain("  next: redistill resume sums-1");
    statusCommand(undefined, options);
    expect(options.output.lines.at(-1)).toContain("redistill resume sums-1");
    store.close();
  });

  it("refuses a database that is not ours, and leaves it as it was", () => {
    const folder = temporaryFolder();
    const workspace = workspaceAt(folder, "other.db");
    const db = new Database(workspace.database);
    db.exec("CREATE TABLE theirs (x)");
    db.close();
    expect(() => statusCommand(undefined, { workspace, output: recordingOutput() })).toThrow(
      /database of another program/,
    );
  });
});

describe("redistill report", () => {
  it("writes the files and shows the latest run", async () => {
    const { options, output, folder } = await finishedWorkspace();
    await reportCommand(undefined, {}, options);
    expect(output.lines[0]).toContain("sealed tasks went from");
    expect(output.lines.at(-1)).toBe(
      `Written to ${join("runs", "sums-1", "report.md")} and ${join("runs", "sums-1", "report.html")}`,
    );
    expect(output.results[0]).toMatchObject({ kind: "report", run: "sums-1", finished: true });
    await reportCommand("sums-1", { markdown: true }, options);
    const file = readFileSync(join(folder, "runs", "sums-1", "report.md"), "utf8");
    expect(output.lines.at(-1)).toBe(file.trimEnd());
    rmSync(join(folder, "runs", "sums-1", "report.html"));
    output.lines.length = 0;
    await reportCommand(undefined, { html: true }, options);
    expect(output.lines).toEqual([join("runs", "sums-1", "report.html")]);
    const page = readFileSync(join(folder, output.lines[0]!), "utf8");
    expect(page).toContain("</html>");
    expect(readdirSync(join(folder, "runs", "sums-1")).sort()).toEqual([
      "report.html",
      "report.md",
    ]);
  });
});
