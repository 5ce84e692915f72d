import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { backupCommand } from "../../src/cli/commands/backup.js";
import { gcCommand } from "../../src/cli/commands/gc.js";
import { restoreCommand } from "../../src/cli/commands/restore.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { finishedFolder } from "../operations/support.js";
import { recordingOutput, temporaryFolder } from "./support.js";

function optionsFor(folder: string) {
  const output = recordingOutput();
  return { workspace: workspaceAt(folder), output, signal: new AbortController().signal };
}

describe("backup, restore and gc, as commands", () => {
  it("say how much, how long, and what comes next", async () => {
    const folder = await finishedFolder();
    const options = optionsFor(folder);
    await backupCommand(undefined, options);
    expect(options.output.lines[0]).toMatch(
      /^Backed up 1 run and 2 adapters to backups\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d: \d+ files, [\d.]+ [kM]B, [\d.]+ s\.$/,
    );
    const result = options.output.results[0] as { folder: string };
    expect(result).toMatchObject({ kind: "backup", runs: 1, adapters: 2 });
    expect(options.output.lines.at(-1)).toMatch(/redistill restore backups\//);
    const elsewhere = optionsFor(temporaryFolder());
    await restoreCommand(result.folder, {}, elsewhere);
    expect(elsewhere.output.lines[0]).toMatch(/^Restored \d+ files .* each checked: sums-1\.$/);
    expect(elsewhere.output.results[0]).toMatchObject({ kind: "restore", former: null });
    await restoreCommand(result.folder, { force: true }, elsewhere);
    expect(elsewhere.output.lines.join("\n")).toContain("What was here is in former-");
  });

  it("gc says first and does when told", async () => {
    const folder = await finishedFolder();
    const options = optionsFor(folder);
    const job = join(folder, "memory", "adapters", "feedfeedfeedfeed");
    mkdirSync(job);
    writeFileSync(join(job, "job.json"), "x".repeat(2_000));
    process.env.REDISTILL_CACHE = join(folder, "cache");
    try {
      await gcCommand({}, options);
      expect(options.output.lines.join("\n")).toMatch(
        /2\.0 kB {2}memory\/adapters\/feedfeedfeedfeed: a training[\s\S]*2\.0 kB would be freed\.\nNothing was touched/,
      );
      await gcCommand({ yes: true }, options);
      expect(options.output.lines.at(-1)).toBe("Freed 2.0 kB.");
      await gcCommand({ yes: true }, options);
      expect(options.output.lines.at(-1)).toContain("Nothing to clear up");
    } finally {
      delete process.env.REDISTILL_CACHE;
    }
    const empty = optionsFor(temporaryFolder());
    await gcCommand({ yes: true }, empty);
    expect(empty.output.lines[0]).toContain("nothing to clear up");
  });

  it("end the program with exit codes of their own", async () => {
    const folder = await finishedFolder();
    const program = (...args: string[]) =>
      spawnSync(process.execPath, [resolve("dist/cli/main.js"), ...args], {
        cwd: folder,
        encoding: "utf8",
      });
    expect(program("verify").status).toBe(0);
    expect(program("backup", "copy").status).toBe(0);
    const refused = program("restore", "copy");
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining("not empty")]);
    writeFileSync(join(folder, "copy", "runs", "sums-1", "report.md"), "changed");
    const damaged = program("restore", "copy", "--force");
    expect([damaged.status, damaged.stderr]).toEqual([4, expect.stringContaining("is damaged")]);
    const problems = program("--json", "verify");
    expect(problems.status).toBe(0);
    expect(JSON.parse(problems.stdout)).toMatchObject({ kind: "verify", ok: true });
  });
});
