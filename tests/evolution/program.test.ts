import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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

const evolution = `name: sharper
recipe: recipe.yaml
settings: {refine: {prompt: rewrite}, generate.attempts: 4, tasks.train: 70}
prompt: locate-error
breed: 16
prove: 40
minibatch: 5
generations: 3
children: 3
`;

function folderWith(text = evolution): string {
  const folder = sumsFolder();
  writeFileSync(join(folder, "evolution.yaml"), text);
  return folder;
}

const evolve = (folder: string, model: "helps" | "helpless", ...more: string[]) =>
  runProgram(folder, ["prompts", "evolve", "evolution.yaml", ...more], { model });

const tables = [
  "evolution_tasks",
  "evolution_drafts",
  "evolution_proposals",
  "evolution_candidates",
  "evolution_trials",
  "evolution_matches",
  "evolution_proofs",
];

/** All that a search is and found, and nothing that tells when or in how many lives. */
function rowsOf(folder: string): unknown {
  return rowsIn(folder, [
    ...tables.map((table) => `SELECT * FROM ${table} ORDER BY 1, 2, 3`),
    "SELECT position, name, summary FROM evolution_steps ORDER BY 1",
    "SELECT key, text, paid_in_stage FROM calls ORDER BY 1",
    "SELECT state FROM runs",
  ]);
}

const promptsIn = (folder: string) => {
  const own = join(folder, "prompts", "critique");
  return existsSync(own) ? readdirSync(own) : [];
};

describe("redistill prompts evolve", () => {
  const untouched = folderWith();

  it("says what it would do and does nothing with --dry-run", () => {
    const { status, stdout } = evolve(untouched, "helps", "--dry-run");
    expect(status).toBe(0);
    expect(stdout).toContain("at most 64 drafts, 9 proposals");
    expect(answersIn(untouched)).toBe(0);
  });

  it("writes a prompt that won again on tasks that it was not bred on, and counts bad proposals", () => {
    const { status, stderr, stdout } = evolve(untouched, "helps");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("won again: fitter on");
    const [name, ...others] = promptsIn(untouched);
    expect(others).toEqual([]);
    const body = readFileSync(join(untouched, "prompts", "critique", name!), "utf8");
    expect(body).toContain("ADD THE COLUMNS");
    expect(body).toContain("parent: locate-error");
    expect(body).toContain("source: ");
    const faults = ask<string>(
      untouched,
      "SELECT group_concat(DISTINCT fault) FROM (SELECT fault FROM evolution_proposals ORDER BY 1)",
    );
    expect(faults!.split(",").length).toBeGreaterThan(1);
    expect(readFileSync(join(untouched, "runs", "sharper-1", "report.md"), "utf8")).toContain(
      "**won again**",
    );
  });

  it("gives a file that lint accepts and a study can name", () => {
    const [name] = promptsIn(untouched);
    const lint = runProgram(untouched, ["prompts", "lint", `prompts/critique/${name}`]);
    expect({ status: lint.status, stderr: lint.stderr }).toEqual({ status: 0, stderr: "" });
    const study = `name: arms\nrecipe: recipe.yaml\nsettings: {refine: {prompt: rewrite}, critique: {prompt: locate-error}}\nfactors: {critique.prompt: [locate-error, ${name!.replace(".md", "")}]}\n`;
    writeFileSync(join(untouched, "study.yaml"), study);
    const planned = runProgram(untouched, ["ablate", "study.yaml", "--dry-run"]);
    expect(planned.status).toBe(0);
    expect(planned.stdout).toContain("2 treatments");
  });

  it("is refused by a run whose gate holds tasks that it was bred on, also when it was edited", () => {
    const name = promptsIn(untouched)[0]!.replace(".md", "");
    const runWith = (prompt: string, taskSeed: number) => {
      const folder = sumsFolder(
        `refine: {prompt: rewrite}\ncritique: {prompt: ${prompt}}\ncurate: {minimum: 1}\n`,
      );
      for (const each of ["memory", "prompts"]) {
        cpSync(join(untouched, each), join(folder, each), { recursive: true });
      }
      const winner = readFileSync(join(folder, "prompts", "critique", `${name}.md`), "utf8");
      const edited = winner
        .replace(`name: ${name}`, "name: mine")
        .replace("parent: locate-error", `parent: ${name}`)
        .replace("ADD THE COLUMNS", "ADD ALL COLUMNS");
      expect(edited).not.toBe(winner);
      writeFileSync(join(folder, "prompts", "critique", "mine.md"), edited);
      const file = join(folder, "recipe.yaml");
      const sizes = `train: 70, seed: ${taskSeed},`;
      writeFileSync(file, readFileSync(file, "utf8").replace("train: 40,", sizes));
      return runProgram(folder, ["run", "recipe.yaml"]);
    };
    expect(runWith(name, 1)).toMatchObject({ status: 0, stderr: "" });
    for (const prompt of [name, "mine"]) {
      const { status, stderr } = runWith(prompt, 2);
      expect({ prompt, status }).toEqual({ prompt, status: 2 });
      expect(stderr).toContain(`its critique prompt ${prompt} was bred on`);
      expect(stderr).toContain("tasks.seed 1, train 70, gate 60 and sealed 20");
    }
  });

  it("uses training tasks alone, each for one purpose", () => {
    expect(ask(untouched, "SELECT count(*) FROM tasks WHERE split <> 'train'")).toBe(0);
    expect(ask(untouched, "SELECT count(*) FROM evolution_tasks")).toBe(56);
    const used = ask(
      untouched,
      `SELECT count(*) FROM evolution_trials t JOIN evolution_drafts d ON d.id = draft_id AND d.run_id = t.run_id
         JOIN evolution_tasks USING (run_id, task_id)
        WHERE purpose = 'prove' AND candidate NOT IN (SELECT candidate FROM evolution_proofs UNION SELECT 'start')`,
    );
    expect(used).toBe(0);
  });

  it("is killed anywhere, goes on, and comes to the same", async () => {
    const folder = folderWith();
    for (const answers of [30, 90, 140, 250, 450]) {
      const { child, ended } = startProgram(folder, ["prompts", "evolve", "evolution.yaml"], {
        delay: 1,
        model: "helps",
      });
      await until(
        () => answersIn(folder) >= answers || child.exitCode !== null,
        `${answers} answers`,
      );
      child.kill("SIGKILL");
      if ((await ended).signal !== "SIGKILL") break;
    }
    expect(ask(folder, "SELECT state FROM runs")).not.toBe("finished");
    const { status, stdout } = evolve(folder, "helps");
    expect(status).toBe(0);
    expect(stdout).toContain("Going on with sharper-1");
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
    expect(promptsIn(folder)).toEqual(promptsIn(untouched));
  });

  it("is killed before and after every commit of its own, and comes to the same", () => {
    const folder = folderWith();
    const steps = rowsIn(untouched, ["SELECT name FROM evolution_steps ORDER BY position"])[0]!;
    const commits = steps.map((step) => `evolve:${(step as { name: string }).name}`);
    for (const commit of ["evolution:create", ...commits]) {
      for (const side of ["before", "after"]) {
        const { signal } = runProgram(folder, ["prompts", "evolve", "evolution.yaml"], {
          model: "helps",
          failpoint: `${commit}:${side}`,
        });
        expect([commit, side, signal]).toEqual([commit, side, "SIGKILL"]);
      }
    }
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
    expect(promptsIn(folder)).toEqual(promptsIn(untouched));
  });

  it("finds nothing better where proposals change nothing, and writes no file", () => {
    const folder = folderWith(evolution.replace("children: 3", "children: 6"));
    const { status, stdout } = evolve(folder, "helpless");
    expect(status).toBe(0);
    expect(stdout).toContain("Nothing better was found");
    const faults = "SELECT count(DISTINCT fault) FROM evolution_proposals WHERE fault IN";
    expect(ask(folder, `${faults} ('copy', 'leak', 'variables')`)).toBe(3);
    expect(promptsIn(folder)).toEqual([]);
    expect(runProgram(folder, ["verify"]).status).toBe(0);
    expect(runProgram(folder, ["status"]).stdout).toContain("sharper-1");
    expect(runProgram(folder, ["report", "--markdown"]).stdout).toContain("# Evolution sharper");
  });

  it("pauses for a budget and goes on with a larger one", () => {
    const folder = folderWith(
      evolution.replace("settings: {", "settings: {budget: {calls: 150}, "),
    );
    const paused = evolve(folder, "helps");
    expect(paused.status).not.toBe(0);
    expect(ask(folder, "SELECT state FROM runs")).toBe("paused");
    expect(answersIn(folder)).toBeLessThanOrEqual(150);
    const resumed = runProgram(folder, ["resume", "sharper-1", "--budget", "calls=none"], {
      model: "helps",
    });
    expect(resumed.status).toBe(0);
    expect(rowsOf(folder)).toEqual(rowsOf(untouched));
  });

  it("does not write over a file that is there", () => {
    const folder = folderWith();
    const [name] = promptsIn(untouched);
    const file = join(folder, "prompts", "critique", name!);
    mkdirSync(join(folder, "prompts", "critique"), { recursive: true });
    writeFileSync(file, readFileSync(join("prompts", "critique", "checklist.md"), "utf8"));
    const { status, stderr } = evolve(folder, "helps");
    expect(status).toBe(7);
    expect(stderr).toContain("is there already with other content");
    expect(readFileSync(file, "utf8")).toContain("name: checklist");
  });

  it.each([
    [evolution.replace("minibatch", "minbatch"), "unknown key minbatch"],
    [evolution.replace("locate-error", "locate-eror"), "locate-error"],
    [evolution.replace("prompt: locate-error", "prompt: none"), "asks nothing"],
    [evolution.replace("prove: 40", "prove: 400"), "400 others to prove on"],
    [evolution.replace("refine: {prompt: rewrite}, ", ""), "refine"],
    [evolution.replace("settings: {", "settings: {teacher.labels: majority, "), "cannot prove"],
  ])("refuses what cannot be run, before anything is paid for", (text, what) => {
    const folder = folderWith(text);
    const { status, stderr } = evolve(folder, "helps");
    expect(stderr).toContain(what);
    expect(status).toBe(2);
    expect(answersIn(folder)).toBe(0);
  });
});
