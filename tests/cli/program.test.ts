import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { finishedWorkspace, temporaryFolder } from "./support.js";

const main = resolve("dist/cli/main.js");

function redistill(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd,
    encoding: "utf8",
    input: "",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe("the program", () => {
  it("says its version and helps with examples", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(redistill(".", "--version")).toMatchObject({ status: 0, stdout: `${version}\n` });
    const help = redistill(".", "--help");
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Examples:");
  });

  it.each([
    ["an unknown command", ["statu"], "Did you mean status?"],
    ["an unknown option", ["status", "--all"], "unknown option"],
    ["a missing argument", ["run"], "missing required argument"],
    ["a number that is none", ["sample", "x", "--temperature", "hot"], "number from 0 to 5"],
    ["a recipe that is not there", ["run", "nowhere.yaml"], "no recipe at nowhere.yaml"],
    ["no run yet", ["report"], "no run yet"],
  ])("ends with 2 for %s", (_what, args, message) => {
    const { status, stderr } = redistill(temporaryFolder(), ...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
    expect(status).toBe(2);
  });

  it("ends with 4 for a file that is no database, and does not touch it", () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, "notes.txt"),
      "not a database, but long enough to look at".repeat(50),
    );
    const { status, stderr } = redistill(folder, "--database", "notes.txt", "status");
    expect(stderr).toContain("not a database");
    expect(status).toBe(4);
  });

  it("reports, lists and exports a run", async () => {
    const { folder, incumbent } = await finishedWorkspace();
    const status = redistill(folder, "status", "--json");
    expect(JSON.parse(status.stdout)).toMatchObject({ runs: [{ id: "sums-1", incumbent }] });
    expect(redistill(folder, "report").stdout).toContain("sealed tasks went from");
    expect(redistill(folder, "export").status).toBe(0);
    expect(redistill(folder, "export").status).toBe(2);
  });

  it("examines the machine without failing on an empty folder", () => {
    const { stdout } = redistill(temporaryFolder(), "doctor", "--json");
    const { checks } = JSON.parse(stdout) as { checks: { what: string; state: string }[] };
    expect(checks.find(({ what }) => what === "SQLite")?.state).toBe("ok");
    expect(checks.find(({ what }) => what === "database")?.state).toBe("ok");
  });

  it("ends with 3 where something is missing, and says how to get it", () => {
    const folder = temporaryFolder();
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, "doctor"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, REDISTILL_PYTHON: join(folder, "no-python") },
    });
    expect(stdout).toMatch(/MISSING +Python/);
    expect(stderr).toContain("Python");
    expect(status).toBe(3);
  });
});
