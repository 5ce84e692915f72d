// A controller through many rounds on the scripted model: its resident memory after each tenth or so.
import { join } from "node:path";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { frozenTasks, workOn } from "../../src/controller/run.js";
import { sha256 } from "../../src/core/hash.js";
import { eachRole } from "../../src/core/model.js";
import type { Train } from "../../src/core/ports.js";
import { candidateOf } from "../../src/core/round.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { createVerify } from "../../src/verifiers/index.js";
import { createRun, solve, studentAlone, sums, syntheticRecipe } from "./synthetic-run.js";

const [folder = "", roundsText = "", samplesText = ""] = process.argv.slice(2);
const rounds = Number(roundsText);
const every = Math.max(1, Math.floor(rounds / Number(samplesText)));

const store = Store.open(join(folder, "redistill.db"), migrationsDirectory);
// A schema of 1000 rounds at most is for people; the controller has no such bound.
const recipe = {
  ...syntheticRecipe({
    tasks: { train: 16, gate: 4 },
    elicit: { tasksPerRound: 2 },
    generate: { attempts: 2 },
    curate: { minimum: 1, maximum: 8 },
  }),
  rounds,
};
const model = new ScriptedChatModel("scale", ({ messages, sampling }) => {
  const right = solve(messages.at(-1)?.content ?? "");
  return sampling.seed % 2 === 0 ? right : `${right}1`;
});
const runId = createRun(store, recipe, [...sums("gate", 4), ...sums("train", 16)], model.digest);
const train: Train = async (job) => {
  const name = sha256(job);
  const path = join(folder, "adapters", name);
  return { sha256: name, ggufPath: path, peftPath: path, finalLoss: null, tokens: 1, seconds: 1 };
};
const startedAt = performance.now();
const say = (round: number) => {
  const { rss, heapUsed } = process.memoryUsage();
  const figures = { round, rss, heapUsed, seconds: (performance.now() - startedAt) / 1000 };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
};
say(0);
await workOn({
  ...{ store, runId, tasks: frozenTasks(store, runId), prompts: studentAlone, train },
  ...{ models: eachRole(() => model), critiques: () => new Map(), coach: null },
  ...{ verify: createVerify({}), workspace: folder },
  // A run reads and hashes the adapter's file here; the scripted training writes none.
  openAdapter: async (row) => candidateOf(row),
  remember: () => Promise.reject(new Error("nothing is remembered here")),
  signal: new AbortController().signal,
  observe: (progress) => {
    // What it was asked is kept for tests alone, and would grow.
    model.ledger.length = 0;
    if (progress.kind === "decision" && progress.round % every === 0) say(progress.round);
  },
});
store.close();
