// A scripted run in a process that is killed and started again: says when it has its first new answer.
import { join } from "node:path";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { frozenTasks, workOn } from "../../src/controller/run.js";
import { eachRole } from "../../src/core/model.js";
import type { Train } from "../../src/core/ports.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { createVerify } from "../../src/verifiers/index.js";
import { createRun, studentAlone, sums, syntheticRecipe } from "./synthetic-run.js";

const [folder = "", answersText = "", stopText = ""] = process.argv.slice(2);
const [answers, stop] = [Number(answersText), Number(stopText)];
const store = Store.open(join(folder, "redistill.db"), migrationsDirectory);
const recipe = syntheticRecipe({
  tasks: { train: Math.ceil(answers / 4), gate: 1 },
  generate: { attempts: 4 },
  curate: { minimum: 1_000_000 },
});
let asked = 0;
const model = new ScriptedChatModel("recovery", ({ sampling }) => {
  // The first question comes after everything that was paid for was found again.
  if (asked++ === 0) process.stdout.write(`first ${performance.timeOrigin + performance.now()}\n`);
  if (asked === stop) process.stdout.write("enough\n");
  return String(sampling.seed);
});
const runId =
  store.runs.latest()?.id ??
  createRun(
    store,
    recipe,
    [...sums("gate", 1), ...sums("train", recipe.tasks.train)],
    model.digest,
  );
const train: Train = () => Promise.reject(new Error("nothing is trained here"));
await workOn({
  ...{ store, runId, tasks: frozenTasks(store, runId), prompts: studentAlone, train },
  ...{ models: eachRole(() => model), critiques: () => new Map(), coach: null },
  remember: () => Promise.reject(new Error("nothing is remembered here")),
  ...{ verify: createVerify({}), workspace: folder, observe: () => {} },
  openAdapter: () => Promise.reject(new Error("there is no adapter here")),
  signal: new AbortController().signal,
});
