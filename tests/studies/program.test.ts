import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  answersIn,
  ask,
  rowsIn,
  runProgram,
  startProgram,
  sumsFolder,
  until,
} from "../support/program.js";

const study = `name: crit
recipe: recipe.yaml
settings:
  rounds: 1
  critique: {prompt: locate-error}
  refine: {prompt: rewrite}
  examine: {right: 3, wrong: 3, planted: 3}
seeds: [1, 2]
factors: {critique.prompt: [locate-error, name-the-error], refine.tries: [1, 2]}
`;

function folderWith(text: string): string {
  const folder = sumsFolder();
  writeFileSync(join(folder, "study.yaml"), text);
  return folder;
}

/** All that a study is and found, and nothing that tells when or in how many lives. */
function rowsOf(folder: string): unknown {
  return rowsIn(folder, [
    "SELECT arm, seed, position, run_id, stopped, note FROM study_runs ORDER BY position",
    "SELECT key, text FROM calls ORDER BY key",
    "SELECT run_id, suite, adapter, task_id, answer, outcome FROM evaluations ORDER BY 1, 2, 3, 4",
    "SELECT run_id, outcome, reason FROM decisions ORDER BY 1",
  ]);
}

const reportFiles = ["report.md", "report.html", "answers.csv", "answers.parquet"];

/** The files of a study's report. */
function reportOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    reportFiles.map((name) => [
      name,
      readFileSync(join(folder, "runs", "study-crit-1", name)).toString("latin1"),
    ]),
  );
}

describe("redistill ablate", () => {
  const untouched = folderWith(study);

  it("says what it would do and does nothing with --dry-run", () => {
    const { stdout, status } = runProgram(untouched, ["ablate", "study.yaml", "--dry-run"]);
    expect(status).toBe(0);
    expect(stdout).toContain("4 treatments and 2 controls, 2 seeds: 10 runs, at most");
    expect(answersIn(untouched)).toBe(0);
  });

  it("runs each arm with each seed, with what they share paid for once", () => {
    const { stdout, stderr, status } = runProgram(untouched, ["ablate", "study.yaml"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("[10/10] arm compute (no critique, equal compute), seed 2");
    expect(ask(untouched, "SELECT count(*) FROM runs WHERE state = 'finished'")).toBe(10);
    const drafts = ask<number>(
      untouched,
      "SELECT count(DISTINCT call_key) FROM attempts WHERE run_id LIKE '%-a%'",
    );
    expect(drafts).toBe(2 * 20 * 4);
  });

  it("gives the control as many attempts as the treatments' tokens pay for", () => {
    const attempts = ask<string>(
      untouched,
      "SELECT recipe ->> '$.generate.attempts' FROM runs WHERE name = 'crit-compute-s1'",
    );
    expect(Number(attempts)).toBeGreaterThan(4);
    expect(ask(untouched, "SELECT note FROM study_runs WHERE arm = 'compute'")).toContain(
      `${attempts} attempts a task`,
    );
  });

  it("is killed anywhere, goes on, and comes to the same", async () => {
    const folder = folderWith(study);
    for (const answers of [50, 200, 450, 700, 1000]) {
      const { child, ended } = startProgram(folder, ["ablate", "study.yaml"], { delay: 1 });
      await until(
        () => answersIn(folder) >= answers || child.exitCode !== null,
        `${answers} answers`,
      );
      child.kill("SIGKILL");
      expect((await ended).signal).toBe("SIGKILL");
    }
    const { status, stdout } = runProgram(folder, ["ablate", "study.yaml"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Going on with study crit-1");
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
    expect(reportOf(folder)).toEqual(reportOf(untouched));
  });

  it("is killed before and after every commit of its own, and comes to the same", () => {
    const folder = folderWith(study);
    for (const commit of ["create", "begin", "finish"]) {
      for (const side of ["before", "after"]) {
        const { signal } = runProgram(folder, ["ablate", "study.yaml"], {
          failpoint: `study:${commit}:${side}`,
        });
        expect([commit, side, signal]).toEqual([commit, side, "SIGKILL"]);
      }
    }
    // The study had ended when it was killed last: the same command would begin another.
    expect(runProgram(folder, ["report", "crit-1"]).status).toBe(0);
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
    expect(reportOf(folder)).toEqual(reportOf(untouched));
  });

  it("writes its report again, byte by byte", () => {
    const before = reportOf(untouched);
    const { stdout, status } = runProgram(untouched, ["report", "crit-1"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Critiques by themselves");
    expect(stdout).toMatch(/calls/);
    expect(reportOf(untouched)).toEqual(before);
  });

  it("keeps the prompts that it began with, and says so where the spec was edited", async () => {
    const folder = folderWith(study);
    const { child, ended } = startProgram(folder, ["ablate", "study.yaml"], { delay: 1 });
    await until(() => answersIn(folder) >= 100, "100 answers");
    child.kill("SIGKILL");
    await ended;
    writeFileSync(join(folder, "study.yaml"), study.replace("tries: [1, 2]", "tries: [1, 3]"));
    const other = runProgram(folder, ["ablate", "study.yaml"]);
    expect(other.status).toBe(7);
    expect(other.stderr).toContain("redistill ablate crit-1");
    expect(runProgram(folder, ["ablate", "crit-1"]).status).toBe(0);
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
    expect(runProgram(folder, ["ablate", "crit-1"]).stdout).toContain("has finished");
  });

  it("is stopped by Ctrl-C and names the command that goes on with all arms", async () => {
    const folder = folderWith(study);
    const { child, ended, text } = startProgram(folder, ["ablate", "study.yaml"], { delay: 1 });
    await until(() => answersIn(folder) >= 100, "100 answers");
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(text()).toContain("Go on with: redistill ablate crit-1");
  });

  it("stops arms by halving and says after which seed", () => {
    const halving = `${study.replace("[1, 2]", "[1, 2, 3]")}design: {kind: halving, keep: 0.5}\n`;
    const spec = halving.replace("refine.tries: [1, 2]", "generate.attempts: [1, 4]");
    const folder = folderWith(spec);
    const { status, stderr } = runProgram(folder, ["ablate", "study.yaml"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const stopped = ask<number>(
      folder,
      "SELECT count(*) FROM study_runs WHERE stopped IS NOT NULL AND run_id IS NULL",
    );
    const run = ask<number>(folder, "SELECT count(*) FROM study_runs WHERE run_id IS NOT NULL");
    expect(run! + stopped!).toBe(15);
    const killed = folderWith(spec);
    for (const failpoint of ["study:stop:before", "study:stop:after"]) {
      const { signal } = runProgram(killed, ["ablate", "study.yaml"], { failpoint });
      expect([failpoint, signal]).toEqual([failpoint, "SIGKILL"]);
    }
    expect(runProgram(killed, ["ablate", "study.yaml"]).status).toBe(0);
    expect(rowsOf(killed)).toEqual(rowsOf(folder));
  });

  it.each([
    [study.replace("critique.prompt:", "critique.promt:"), "a recipe has no key critique.promt"],
    [study.replace("name-the-error", "nme-the-error"), "name-the-error"],
    [study.replace("refine.tries: [1, 2]", "tasks.gate: [10, 20]"), "changes tasks"],
    [study.replace("recipe.yaml", "recipes.yaml"), "recipes.yaml"],
  ])("refuses a study that cannot be run, before anything is paid for", (text, what) => {
    const folder = folderWith(text);
    const { status, stderr } = runProgram(folder, ["ablate", "study.yaml"]);
    expect(status).toBe(2);
    expect(stderr).toContain(what);
    expect(answersIn(folder)).toBe(0);
  });
});
