import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { trainerDirectory } from "../src/cli/paths.js";
import { tasksBySplit } from "../src/controller/run.js";
import { messageOf, RedistillError } from "../src/core/errors.js";
import { weightsOf } from "../src/core/model.js";
import { loadRecipe } from "../src/recipes/load.js";
import { findPython, findUv } from "../src/setup/python.js";
import { runTool } from "../src/setup/run-tool.js";
import { ensureTrainerEnvironment } from "../src/setup/trainer-environment.js";
import { ensureWeights } from "../src/setup/weights.js";
import { collectTasks } from "../src/sources/index.js";
import { createReasoningGym, type ReasoningGym } from "../src/training/reasoning-gym.js";
import { createTrainerWorker } from "../src/training/worker.js";
import { createVerify } from "../src/verifiers/index.js";
import { printTable } from "./support/benchmark.js";
import { ensureDspy } from "./support/dspy.js";
import { peerJob } from "./support/peer-jobs.js";
import { peerHead, peerRow, readOutput } from "./support/peer-rows.js";
import { promptsOf } from "./support/quickstart.js";

// Others' ways to teach a model the tasks of a recipe, each for so many minutes of this machine, one after the other.
const peers = {
  "trl-grpo": "trl_grpo.py",
  "rejection-sampling": "rejection_sampling.py",
  "dspy-finetune": "dspy_finetune.py",
};
type Peer = keyof typeof peers;

const usage = `Usage: node --import tsx bench/peers.ts <recipe.yaml> --minutes 30 --to <folder> [--only ${Object.keys(peers).join(",")}]`;

/** @throws RedistillError `usage` */
function optionsOf(): { recipe: string; minutes: number; folder: string; only: Peer[] } {
  const text = { type: "string" } as const;
  const options = { minutes: text, to: text, only: text };
  try {
    const { positionals, values } = parseArgs({ options, allowPositionals: true });
    const minutes = Number(values.minutes);
    const only = values.only?.split(",") ?? Object.keys(peers);
    const strange = only.find((name) => !(name in peers));
    if (strange !== undefined) throw new Error(`--only: no peer ${strange}`);
    if (!(minutes > 0)) throw new Error("--minutes must be a number above 0");
    if (positionals.length !== 1 || !values.to) throw new Error("a recipe and --to are needed");
    return { recipe: positionals[0]!, minutes, folder: resolve(values.to), only: only as Peer[] };
  } catch (cause) {
    throw new RedistillError("usage", messageOf(cause), usage, { cause });
  }
}

/** The Ollama that the tests build, once. Not typed: it is a script, too, and imports what was built. */
async function ollamaBinary(): Promise<string> {
  const script = "../tests/ollama/build.mjs";
  return (await import(script)).ensureOllama();
}

async function measure(signal: AbortSignal): Promise<void> {
  const { recipe: path, minutes, folder, only } = optionsOf();
  const recipe = loadRecipe(path);
  mkdirSync(folder, { recursive: true });
  const python = await ensureTrainerEnvironment({
    trainerDirectory,
    python: await findPython({ signal, needsVenv: (await findUv({ signal })) === null }),
    signal,
  });
  const named = weightsOf(recipe.model);
  const weights =
    named === "default"
      ? (await ensureWeights({ signal, onNotice: (text) => console.error(text) })).path
      : named;
  if (weights === null) {
    throw new RedistillError("usage", `${path}: its model is no file`, "Set model.path to a GGUF.");
  }
  const withGym = gymOf(python, join(folder, "trainer.log"));
  const tasks = await withGym(async (gym) => tasksBySplit((await collectTasks(recipe, gym)).tasks));
  const { student } = promptsOf(recipe).prompts;
  const job = peerJob({ recipe, student, tasks }, { minutes, weights });
  printSettings(recipe.name, minutes);
  const rows: string[][] = [];
  try {
    for (const name of only) {
      const isDspy = name === "dspy-finetune";
      const own = isDspy ? { python, ollama: await ollamaBinary() } : {};
      const [input, output] = ["input", "output"].map((kind) =>
        join(folder, `${name}.${kind}.json`),
      );
      writeFileSync(input!, JSON.stringify({ ...job, ...own }));
      console.error(`${name}: ${minutes} minutes, then answers; log in ${folder}`);
      const interpreter = isDspy ? await ensureDspy(signal) : python;
      await runPeer(interpreter, name, [input!, output!], signal);
      const said = readOutput(readFileSync(output!, "utf8"), name);
      const { cells, verdicts } = await withGym((reasoningGym) =>
        peerRow(name, said, tasks, createVerify({ reasoningGym })),
      );
      writeFileSync(join(folder, `${name}.verdicts.json`), `${JSON.stringify(verdicts)}\n`);
      rows.push(cells);
      console.error(
        `${name}: ${JSON.stringify({ ...said.seconds, ...said.more, ...said.versions })}`,
      );
    }
  } finally {
    // Where one fails, what the others took minutes for is not lost.
    printTable(peerHead, rows);
  }
}

/** The trainer's worker, for as long as tasks are made or answers scored: beside a peer it would cost memory. */
function gymOf(python: string, logFile: string) {
  return async <Result>(use: (gym: ReasoningGym) => Promise<Result>): Promise<Result> => {
    const worker = createTrainerWorker({ python, trainerDirectory, logFile });
    try {
      return await use(createReasoningGym(worker));
    } finally {
      await worker.dispose();
    }
  };
}

function printSettings(recipe: string, minutes: number): void {
  const load = loadavg()[0] ?? 0;
  console.log(`# peers, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log(`- recipe ${recipe}, ${minutes} minutes each`);
  console.log(`- load average before: ${load.toFixed(2)}`);
  if (load > 0.3) console.log("- **the machine is not idle: these figures are worth nothing**");
}

async function runPeer(
  python: string,
  name: Peer,
  files: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const script = fileURLToPath(new URL(`peers/${peers[name]}`, import.meta.url));
  const log = createWriteStream(files[1]!.replace(/\.output\.json$/, ".log"));
  const result = await runTool(python, [script, ...files], {
    env: {
      ...{ ...process.env, PYTHONUNBUFFERED: "1" },
      // Its folder is made even with caching off; its list of prices is fetched while answers wait.
      ...{ DSPY_CACHEDIR: join(files[0]!, "..", "dspy"), LITELLM_LOCAL_MODEL_COST_MAP: "True" },
    },
    signal,
    onLine: (line) => log.write(`${line}\n`),
  });
  log.end();
  if (result.exitCode === 0) return;
  throw new RedistillError(
    "training",
    `${name} failed: ${result.tail.slice(-5).join("\n")}`,
    `The whole output is in ${log.path}.`,
  );
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
}
try {
  await measure(stop.signal);
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof RedistillError) console.error(error.hint);
  process.exitCode = 1;
}
