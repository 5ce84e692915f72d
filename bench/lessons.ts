import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { stringify } from "yaml";
import { defaultRecipe, migrationsDirectory, workspaceAt } from "../src/cli/paths.js";
import type { Attempt } from "../src/core/entities.js";
import type { Recipe } from "../src/core/recipe.js";
import { loadRecipe } from "../src/recipes/load.js";
import { byTask } from "../src/stages/support/requests.js";
import { bootstrapByTask, mean } from "../src/stats/index.js";
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
const all: Shares[] = [];
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
  rows.push(rowOf(String(pair), `${told!.lessons}`, shares));
  all.push(...shares);
}
rows.push(rowOf("all", "", all));
printTable(
  [
    "pair",
    "lessons",
    "teacher right, told",
    "untold",
    "difference (95%)",
    "solved, told",
    "untold",
  ],
  rows,
);

/** One round of the quickstart's task that ends without a training: the first one criticises, the others only answer. */
function recipeFor(name: string, seed: number, longTerm: Recipe["longTerm"] | object): object {
  const quickstart = loadRecipe(defaultRecipe);
  const learns = name.startsWith("first");
  return {
    ...quickstart,
    ...{ name, seed, longTerm, rounds: 1, retention: null },
    tasks: { ...quickstart.tasks, seed, gate: 8, sealed: 0 },
    elicit: { tasksPerRound: 0 },
    ...(learns ? {} : { critique: null, refine: null }),
    curate: { ...quickstart.curate, minimum: 1_000_000, maximum: 0 },
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

/** What a second run's round came to. */
function outcomeOf(folder: string) {
  const store = Store.openReadOnly(workspaceAt(folder).database, migrationsDirectory);
  try {
    const { id } = store.runs.all().at(-1)!;
    const { attempts, recalled } = store.rounds.load(id, 1);
    return {
      shares: sharesOf(attempts),
      lessons: new Set(recalled.map(({ lessonId }) => lessonId)).size,
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

function rowOf(name: string, lessons: string, shares: readonly Shares[]): string[] {
  const difference = (items: readonly Shares[]) => mean(items.map(([a, b]) => a - b)) ?? 0;
  const spread = bootstrapByTask(shares, difference, { confidence: 0.95, seed: 1 });
  const solved = (arm: 0 | 1) => shares.filter((each) => each[arm] > 0).length;
  return [
    ...[name, lessons],
    ...[0, 1].map((arm) => percent(mean(shares.map((each) => each[arm]!)) ?? 0)),
    `${percent(difference(shares))} (${percent(spread.low)} to ${percent(spread.high)})`,
    ...[`${solved(0)} of ${shares.length}`, `${solved(1)} of ${shares.length}`],
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
