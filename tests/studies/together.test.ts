import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Store } from "../../src/store/store.js";
import { testModel } from "../support/machine.js";
import { ModelServer } from "../support/model-server.js";
import {
  answersIn,
  ask,
  databaseIn,
  rowsIn,
  type StartedProgram,
  startProgram,
  until,
} from "../support/program.js";
import { sumsFile } from "../support/scripted-run.js";
import { variedLearner } from "../support/study.js";

const width = 6;
/** Of an answer, in milliseconds. */
const usualDelay = 2;
const server = new ModelServer(variedLearner, usualDelay);
beforeAll(() => server.start());
afterAll(() => server.stop());

const started: StartedProgram[] = [];
afterEach(() => {
  server.delayMs = usualDelay;
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
});

/** A study of four treatments whose runs rehearse: those calls are named by no row of a run. */
function folderWith(together: number | null): string {
  const folder = mkdtempSync(join(tmpdir(), "redistill-together-"));
  sumsFile(folder, 120);
  const replay = Array.from({ length: 12 }, (_, n) =>
    JSON.stringify({ prompt: `Name colour ${n}.`, reference: "red" }),
  );
  writeFileSync(join(folder, "replay.jsonl"), `${replay.join("\n")}\n`);
  writeFileSync(
    join(folder, "recipe.yaml"),
    `name: sums
rounds: 1
model: {provider: openai, name: learner, url: "${server.url}", weights: ${testModel()}, sequences: ${width}}
tasks: {source: jsonl, path: sums.jsonl, verifier: {kind: numeric}, train: 40, gate: 30, sealed: 10}
elicit: {tasksPerRound: 20}
generate: {attempts: 3}
curate: {replay: {path: replay.jsonl, ratio: 0.5}}
`,
  );
  writeFileSync(
    join(folder, "study.yaml"),
    `name: crit
recipe: recipe.yaml
settings: {critique: {prompt: locate-error}, refine: {prompt: rewrite}}
seeds: [1, 2]
factors: {critique.prompt: [locate-error, name-the-error], refine.tries: [1, 2]}
${together === null ? "" : `together: ${together}\n`}`,
  );
  server.ledger.length = 0;
  server.mostAtOnce = 0;
  return folder;
}

function work(folder: string, ...args: string[]): StartedProgram {
  const program = startProgram(folder, args, { served: true });
  started.push(program);
  return program;
}

async function workToEnd(folder: string, ...args: string[]) {
  const program = work(folder, ...args);
  return { ...(await program.ended), text: program.text() };
}

function rowsOf(folder: string): unknown {
  return rowsIn(folder, [
    "SELECT arm, seed, position, run_id, stopped, note FROM study_runs ORDER BY position",
    "SELECT key, text FROM calls ORDER BY key",
    "SELECT run_id, id, source, completion FROM examples ORDER BY 1, 2",
    "SELECT run_id, suite, adapter, task_id, answer, outcome FROM evaluations ORDER BY 1, 2, 3, 4",
    "SELECT run_id, outcome, reason FROM decisions ORDER BY 1",
    "SELECT id, state, incumbent FROM runs ORDER BY 1",
  ]);
}

const reportOf = (folder: string) =>
  ["report.md", "report.html", "answers.csv", "answers.parquet"].map((name) =>
    readFileSync(join(folder, "runs", "study-crit-1", name)).toString("latin1"),
  );

/** Pairs of runs of which each began before the other had ended. */
const overlapping = (folder: string) =>
  ask<number>(
    folder,
    `SELECT count(*) FROM runs a JOIN runs b ON a.id < b.id
      AND a.created_at < b.finished_at AND b.created_at < a.finished_at`,
  );

const repeated = () => server.ledger.length - new Set(server.ledger.map(({ key }) => key)).size;

describe("a study whose runs are worked on side by side", () => {
  let alone = "";
  beforeAll(async () => {
    alone = folderWith(null);
    const { code, text } = await workToEnd(alone, "ablate", "study.yaml");
    expect({ code, text }).toMatchObject({ code: 0 });
    expect([overlapping(alone), repeated()]).toEqual([0, 0]);
    expect(ask(alone, "SELECT count(*) FROM adapters")).toBeGreaterThan(4);
  });

  it("comes to the same rows and the same report, and asks nothing twice", async () => {
    const folder = folderWith(3);
    const { code, text } = await workToEnd(folder, "ablate", "study.yaml");
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(text).toContain("Up to 3 runs of a seed are worked on side by side.");
    expect(overlapping(folder)).toBeGreaterThanOrEqual(4);
    expect([repeated(), server.mostAtOnce]).toEqual([0, width]);
    expect(rowsOf(folder)).toEqual(rowsOf(alone));
    expect(reportOf(folder)).toEqual(reportOf(alone));
  });

  it("counts what a run stands on, whoever paid for it", () => {
    const rehearsed = rowsIn(alone, [
      `SELECT run_id, count(*) AS calls FROM (
         SELECT paid_by_run AS run_id, key FROM calls WHERE paid_in_stage = 'curate'
         UNION SELECT run_id, call_key FROM call_uses WHERE stage = 'curate')
       GROUP BY 1`,
    ])[0] as { run_id: string; calls: number }[];
    const examples = rowsIn(alone, [
      "SELECT run_id, count(*) AS calls FROM examples WHERE source = 'replay' GROUP BY 1",
    ])[0];
    expect(rehearsed).toEqual(examples);
    expect(rehearsed).toHaveLength(10);
  });

  it("is killed in the middle, goes on with another number of runs, and comes to the same", async () => {
    const folder = folderWith(4);
    for (const answers of [30, 120, 260]) {
      const program = work(folder, "ablate", "study.yaml");
      await until(() => answersIn(folder) >= answers, `${answers} answers`);
      program.child.kill("SIGKILL");
      expect((await program.ended).signal).toBe("SIGKILL");
    }
    const spec = join(folder, "study.yaml");
    writeFileSync(spec, readFileSync(spec, "utf8").replace("together: 4", "together: 2"));
    const { code, text } = await workToEnd(folder, "ablate", "study.yaml");
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(text).toContain("Going on with study crit-1");
    expect(repeated()).toBeLessThanOrEqual(3 * width);
    expect(rowsOf(folder)).toEqual(rowsOf(alone));
    expect(reportOf(folder)).toEqual(reportOf(alone));
  });

  it("lets the others end their stage when a run pauses, and goes on with all of them", async () => {
    const folder = folderWith(4);
    // So that none of them is done before the pause is asked for.
    server.delayMs = 100;
    const program = work(folder, "ablate", "study.yaml");
    const begun = () => ask<number>(folder, "SELECT count(*) FROM rounds") ?? 0;
    await until(() => begun() === 4, "four runs at work");
    const store = Store.open(databaseIn(folder), "memory/migrations");
    store.requests.pause("crit-a2-s1-1");
    store.close();
    expect((await program.ended).code).toBe(75);
    server.delayMs = usualDelay;
    expect(program.text()).toContain("run crit-a2-s1-1 is paused on request");
    const states = rowsIn(folder, ["SELECT id, state FROM runs ORDER BY id"])[0];
    expect(states).toEqual(
      ["a1", "a2", "a3", "a4"].map((arm) => ({
        id: `crit-${arm}-s1-1`,
        state: arm === "a2" ? "paused" : "interrupted",
      })),
    );
    expect((await workToEnd(folder, "resume", "crit-a2-s1-1")).code).toBe(0);
    expect((await workToEnd(folder, "ablate", "study.yaml")).code).toBe(0);
    expect(rowsOf(folder)).toEqual(rowsOf(alone));
  });

  it("is stopped by Ctrl-C with all its runs", async () => {
    const folder = folderWith(3);
    const program = work(folder, "ablate", "study.yaml");
    await until(() => answersIn(folder) >= 60, "60 answers");
    program.child.kill("SIGINT");
    expect((await program.ended).code).toBe(130);
    expect(program.text()).toContain("Go on with: redistill ablate crit-1");
    expect(ask(folder, "SELECT count(*) FROM runs WHERE state = 'running'")).toBe(0);
  });

  it("is refused where a role is the embedded engine, before anything is paid for", async () => {
    const folder = folderWith(2);
    const recipe = readFileSync(join(folder, "recipe.yaml"), "utf8");
    writeFileSync(join(folder, "recipe.yaml"), `${recipe}roles: {critic: {provider: embedded}}\n`);
    for (const flags of [[], ["--dry-run"]]) {
      const { code, text } = await workToEnd(folder, "ablate", "study.yaml", ...flags);
      expect(code).toBe(2);
      expect(text).toContain("roles.critic of arm a1 is the embedded engine");
    }
    expect(server.ledger).toHaveLength(0);
  });
});
