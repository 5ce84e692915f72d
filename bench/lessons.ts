import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { stringify } from "yaml";
import { defaultRecipe, migrationsDirectory, workspaceAt } from "../src/cli/paths.js";
import type { Attempt, Evaluation } from "../src/core/entities.js";
import type { Recipe } from "../src/core/recipe.js";
import { loadRecipe } from "../src/recipes/load.js";
import { byTask } from "../src/stages/support/requests.js";
import { bootstrapByTask, comparePaired, mean } from "../src/stats/index.js";
import { Store } from "../src/store/store.js";
import { printTable } from "./support/benchmark.js";

// Whether the lessons of one run help the next on the same family: after a first run of the quickstart with a long-term
// memory, a second one on other tasks that is told its lessons, and the same without. bench/README.md says what is compared.
//   npm run build && node --import tsx bench/lessons.ts <folder> [--pairs 3]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: "string", default: "3" } },
});
const [to] = positionals;
const pairs = Number(values.pairs);
if (!to || !(pairs >= 1)) throw new Error("usage: lessons.ts <folder> [--pairs 3]");

/** A task's share of right attempts with lessons and without. */
type Shares = readonly [told: number, untold: number];

const arms = { told: { write: false }, untold: null };
/** Training tasks that a run takes up in its one round: many to learn from, then many to compare. */
const tasksPerRound = { first: 120, second: 80 };
const all: { shares: Shares[]; told: Evaluation[]; untold: Evaluation[] } = {
  ...{ shares: [], told: [], untold: [] },
};
const rows: string[][] = [];
for (let pair = 1; pair <= pairs; pair++) {
  const first = await run(`first-${pair}`, 2 * pair - 1, {}, null);
  const [told, untold] = [
    await run(`told-${pair}`, 2 * pair, arms.told, first),
    await run(`untold-${pair}`, 2 * pair, arms.untold, first),
  ].map(outcomeOf);
  const shares = [...told!.shares].map(
    ([task, share]): Shares => [share, untold!.shares.get(task)!],
  );
  rows.push(rowOf(String(pair), `${told!.lessons}`, shares, told!.gate, untold!.gate));
  all.shares.push(...shares);
  // Tasks of different pairs are different tasks.
  const named = (items: readonly Evaluation[]) =>
    items.map((item) => ({ ...item, taskId: `${pair} ${item.taskId}` }));
  all.told.push(...named(told!.gate));
  all.untold.push(...named(untold!.gate));
}
rows.push(rowOf("all", "", all.shares, all.told, all.untold));
printTable(
  [
    "pair",
    "lessons",
    "teacher right, told",
    "untold",
    "difference (95%)",
    "gate, told",
    "untold",
    "difference (95%)",
  ],
  rows,
);

function recipeFor(name: string, seed: number, longTerm: Recipe["longTerm"] | object): object {
  const quickstart = loadRecipe(defaultRecipe);
  const { first, second } = tasksPerRound;
  return {
    ...quickstart,
    ...{ name, seed, longTerm, rounds: 1, retention: null },
    tasks: { ...quickstart.tasks, seed, gate: 120, sealed: 0 },
    elicit: { tasksPerRound: name.startsWith("first") ? first : second },
  };
}

/** A run in a workspace of its own, on a copy of another one's database; the folder. */
async function run(
  name: string,
  seed: number,
  longTerm: object | null,
  after: string | null,
): Promise<string> {
  const folder = join(to!, name);
  if (existsSync(join(folder, "done"))) return folder;
  mkdirSync(join(folder, "memory"), { recursive: true });
  const { database } = workspaceAt(folder);
  if (after !== null && !existsSync(database)) {
    const from = new Database(workspaceAt(after).database, { readonly: true });
    await from.backup(database);
    from.close();
  }
  writeFileSync(join(folder, "recipe.yaml"), stringify(recipeFor(name, seed, longTerm)));
  console.error(`${new Date().toISOString()} ${name}, load average ${loadavg()[0]!.toFixed(2)}`);
  const { status } = spawnSync(
    process.execPath,
    [resolve("dist/cli/main.js"), "run", "recipe.yaml"],
    { cwd: folder, stdio: ["ignore", 2, 2] },
  );
  if (status !== 0) throw new Error(`${name} ended with exit code ${status}; run the same again`);
  writeFileSync(join(folder, "done"), "");
  return folder;
}

/** What a second run's first round came to. */
function outcomeOf(folder: string) {
  const store = Store.openReadOnly(workspaceAt(folder).database, migrationsDirectory);
  try {
    const { id } = store.runs.all().at(-1)!;
    const { attempts, recalled, candidate } = store.rounds.load(id, 1);
    return {
      shares: sharesOf(attempts),
      lessons: new Set(recalled.map(({ lessonId }) => lessonId)).size,
      gate: store.rounds.evaluations.of(id, "gate", candidate?.sha256 ?? null),
    };
  } finally {
    store.close();
  }
}

function sharesOf(attempts: readonly Attempt[]): Map<string, number> {
  return new Map(
    [...byTask(attempts)].map(([task, own]) => [
      task,
      own.filter(({ verdict }) => verdict.outcome === "ok").length / own.length,
    ]),
  );
}

function rowOf(
  name: string,
  lessons: string,
  shares: readonly Shares[],
  told: readonly Evaluation[],
  untold: readonly Evaluation[],
): string[] {
  const difference = (items: readonly Shares[]) => mean(items.map(([a, b]) => a - b)) ?? 0;
  const spread = bootstrapByTask(shares, difference, { confidence: 0.95, seed: 1 });
  const { difference: gain, low, high } = comparePaired(untold, told, 0.95);
  const right = (items: readonly Evaluation[]) =>
    `${items.filter(({ verdict }) => verdict.outcome === "ok").length} of ${items.length}`;
  return [
    ...[name, lessons],
    ...[0, 1].map((arm) => percent(mean(shares.map((each) => each[arm]!)) ?? 0)),
    `${percent(difference(shares))} (${percent(spread.low)} to ${percent(spread.high)})`,
    ...[right(told), right(untold)],
    `${percent(gain)} (${percent(low)} to ${percent(high)})`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
