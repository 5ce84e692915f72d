import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { workspaceAt } from "../src/cli/paths.js";
import { exitCodes } from "../src/core/errors.js";
import type { ChatModel } from "../src/core/ports.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { ensureWeights } from "../src/setup/weights.js";
import { mixedDifference, pairDifferences, type Score } from "../src/stats/index.js";
import { type Arm, readArms } from "./support/arms.js";
import { printTable } from "./support/benchmark.js";
import { areas, heldOutCurve } from "./support/held-out-curve.js";
import { engineSettings } from "./support/quickstart.js";

// Policies on real weights at equal tokens: each arm with each seed is a run in a workspace of its own that pauses when
// its budget is spent. What it got right is asked of the sealed suite after it, of every incumbent that it had. A run
// that is there is not run again.
//   npm run build && node --import tsx bench/policies-real.ts bench/policies/orders.yaml <folder> [--seeds 5] [--tasks file]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "5" },
    only: { type: "string" },
    tasks: { type: "string" },
  },
});
const [file, to] = positionals;
if (!file || !to) {
  throw new Error(
    "usage: policies-real.ts <arms.yaml> <folder> [--seeds 5] [--only a,b] [--tasks file]",
  );
}
const tasks = values.tasks && resolve(values.tasks);
const arms = readArms(file, tasks ? { "tasks.path": tasks } : {}).filter(
  ({ name }) => values.only?.split(",").includes(name) ?? true,
);
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);

// In turn, so that what is there when somebody looks can be compared.
for (const seed of seeds) for (const arm of arms) run(arm, seed);
const models: ChatModel[] = [];
try {
  const scores = new Map<string, Score[]>();
  for (const { name, recipe } of arms) {
    const own: Score[] = [];
    for (const seed of seeds) {
      const curve = await heldOutCurve(workspaceOf(name, seed), `${name}-1`, () => student(recipe));
      for (const [taskId, score] of areas(curve, recipe.budget.tokens!)) {
        own.push({ taskId, seed, score });
      }
    }
    scores.set(name, own);
  }
  printTable(
    [
      "arm",
      "area, %",
      "against the first arm, points (95%, tasks and seeds)",
      "the same for these trainings",
    ],
    arms.map(({ name }) => [name, ...row(scores.get(arms[0]!.name)!, scores.get(name)!)]),
  );
} finally {
  for (const model of models) await model.dispose();
}

function workspaceOf(name: string, seed: number) {
  return workspaceAt(join(to!, `${name}-seed-${seed}`));
}

function run({ name, recipe }: Arm, seed: number): void {
  const folder = workspaceOf(name, seed).root;
  if (existsSync(join(folder, "done"))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "recipe.yaml"), stringify({ ...recipe, seed }));
  console.error(
    `${new Date().toISOString()} ${name}, seed ${seed}, load ${loadavg()[0]!.toFixed(2)}`,
  );
  const { status } = spawnSync(
    process.execPath,
    [resolve("dist/cli/main.js"), "run", "recipe.yaml"],
    {
      cwd: folder,
      stdio: ["ignore", 2, 2],
    },
  );
  // Its budget is spent, or all rounds were done for less.
  if (status === 0 || status === exitCodes.paused) writeFileSync(join(folder, "done"), "");
  else throw new Error(`${name} with seed ${seed} ended with exit code ${status}`);
}

/** All arms have the same student; it is opened where an answer is missing. */
async function student(recipe: Arm["recipe"]): Promise<ChatModel> {
  const [open] = models;
  if (open) return open;
  const weights = await ensureWeights({});
  const model = await EmbeddedChatModel.load({
    ...engineSettings(recipe),
    modelPath: weights.path,
    modelSha256: weights.sha256,
  });
  models.push(model);
  return model;
}

function row(baseline: readonly Score[], candidate: readonly Score[]): string[] {
  const area = candidate.reduce((sum, { score }) => sum + score, 0) / candidate.length;
  if (baseline === candidate) return [(area * 100).toFixed(1), "", ""];
  const { method, weights } = mixedDifference(pairDifferences(baseline, candidate).values, 0.95);
  return [(area * 100).toFixed(1), method === null ? "" : told(method), told(weights)];
}

function told({
  difference,
  low,
  high,
}: {
  difference: number;
  low: number;
  high: number;
}): string {
  const [mean, from, until] = [difference, low, high].map((each) => (each * 100).toFixed(1));
  return `${mean} (${from} to ${until})`;
}
