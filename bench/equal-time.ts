import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { stringify } from "yaml";
import { migrationsDirectory, workspaceAt } from "../src/cli/paths.js";
import type { Evaluation } from "../src/core/entities.js";
import { comparePaired, exactInterval } from "../src/stats/index.js";
import { Store } from "../src/store/store.js";
import { type Arm, readArms } from "./support/arms.js";
import { printTable } from "./support/benchmark.js";

// Ways to learn at about equal wall-clock: each arm is a real run of one round in a workspace of its own, and what is
// printed comes from its database. A run that is there is not run again. Base answers to the held-out suites are
// carried over from the first arm, since no arm learns from them.
//   npm run build && node --import tsx bench/equal-time.ts bench/equal-time/orders.yaml <folder> [--only a,b] [--tasks file]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, tasks: { type: "string" } },
});
const [file, to] = positionals;
if (!file || !to)
  throw new Error("usage: equal-time.ts <arms.yaml> <folder> [--only a,b] [--tasks file]");
const tasks = values.tasks && resolve(values.tasks);
const arms = readArms(file, tasks ? { "tasks.path": tasks } : {});
const wanted = values.only?.split(",") ?? arms.map(({ name }) => name);
const learning = ["elicit", "generate", "critique", "refine", "judge", "curate", "retrain"];

for (const arm of arms.filter(({ name }) => wanted.includes(name))) run(arm);
printTable(
  [
    "arm",
    "held out",
    "right (95%)",
    "gain on base (95%)",
    "retention",
    "decision",
    "sampled",
    "trained",
    "minutes",
  ],
  arms.filter(({ name }) => existsSync(databaseOf(name))).map(({ name }) => row(name)),
);

function databaseOf(name: string): string {
  return workspaceAt(join(to!, name)).database;
}

function run({ name, recipe }: Arm): void {
  const folder = join(to!, name);
  if (existsSync(join(folder, "done"))) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "memory"), { recursive: true });
  const first = arms.map((arm) => databaseOf(arm.name)).find((database) => existsSync(database));
  if (first !== undefined) carryOver(first, databaseOf(name));
  writeFileSync(join(folder, "recipe.yaml"), stringify(recipe));
  console.error(`${new Date().toISOString()} ${name}, load average ${loadavg()[0]!.toFixed(2)}`);
  const program = resolve("dist/cli/main.js");
  const { status } = spawnSync(process.execPath, [program, "run", "recipe.yaml"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) writeFileSync(join(folder, "done"), "");
  else console.error(`${name} ended with exit code ${status}`);
}

/** Answers of the base weights to the suites, and nothing that an arm could learn from. */
function carryOver(from: string, into: string): void {
  Store.open(into, migrationsDirectory).close();
  const database = new Database(into);
  database.prepare("ATTACH ? AS first").run(from);
  database.exec(
    `INSERT INTO calls SELECT * FROM first.calls
      WHERE key IN (SELECT call_key FROM first.evaluations WHERE adapter = '')`,
  );
  database.close();
}

function row(name: string): string[] {
  const store = Store.open(databaseOf(name), migrationsDirectory);
  try {
    const runId = `${name}-1`;
    const round = store.rounds.load(runId, 1);
    const decision = store.rounds.decision(runId, 1);
    const stages = store.rounds.stages(runId);
    const seconds = stages
      .filter(({ stage }) => learning.includes(stage))
      .reduce((sum, stage) => sum + stage.seconds, 0);
    const sampled = store.spend
      .byStage(runId)
      .filter(({ stage }) => learning.includes(stage))
      .reduce((sum, { completionTokens }) => sum + completionTokens, 0);
    const of = (suite: "gate" | "retention", adapter: string | null) =>
      store.rounds.evaluations.of(runId, suite, adapter);
    const candidate = round.candidate?.sha256 ?? null;
    const [before, after] = [of("gate", null), candidate === null ? [] : of("gate", candidate)];
    const kept = candidate === null ? [] : of("retention", candidate);
    return [
      name,
      `${rightOf(after)} of ${after.length} (base ${rightOf(before)})`,
      after.length === 0 ? "" : percentages(exactInterval(rightOf(after), after.length)),
      after.length === 0 ? "" : gain(before, after),
      `${rightOf(of("retention", null))} → ${kept.length === 0 ? "" : rightOf(kept)} of ${kept.length}`,
      decision?.outcome ?? "",
      String(sampled),
      String(round.candidate?.tokens ?? 0),
      (seconds / 60).toFixed(1),
    ];
  } finally {
    store.close();
  }
}

function rightOf(answers: readonly Evaluation[]): number {
  return answers.filter(({ verdict }) => verdict.outcome === "ok").length;
}

function percentages({ low, high }: { low: number; high: number }): string {
  return `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)}%`;
}

function gain(before: readonly Evaluation[], after: readonly Evaluation[]): string {
  const { difference, low, high } = comparePaired(before, after, 0.95);
  return `${(difference * 100).toFixed(1)} (${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)})`;
}
