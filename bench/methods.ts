import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { migrationsDirectory, trainerDirectory, workspaceAt } from "../src/cli/paths.js";
import { promptsFrom } from "../src/cli/prompts.js";
import { frozenTasks } from "../src/controller/run.js";
import type { Candidate } from "../src/core/entities.js";
import type { Complete } from "../src/core/ports.js";
import { retrainSchema } from "../src/core/retrain.js";
import { candidateOf, type RoundRows } from "../src/core/round.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { findPython, findUv } from "../src/setup/python.js";
import { ensureTrainerEnvironment } from "../src/setup/trainer-environment.js";
import { ensureWeights } from "../src/setup/weights.js";
import { curate } from "../src/stages/curate.js";
import { answerSuite } from "../src/stages/evaluate.js";
import { retrain } from "../src/stages/retrain.js";
import type { StageInput, StagePorts } from "../src/stages/types.js";
import { callKey } from "../src/store/calls.js";
import { Store } from "../src/store/store.js";
import { createRemember } from "../src/training/remember.js";
import { createTrainer } from "../src/training/train.js";
import { createTrainerWorker } from "../src/training/worker.js";
import { createVerify } from "../src/verifiers/index.js";
import { engineSettings } from "./support/quickstart.js";

// Training methods side by side on the first round of a finished run: each gathers its data from the same answers,
// trains from the base weights and answers the run's gate and retention suites. A job that was trained is not trained
// again.
//   npx tsx bench/methods.ts <workspace> <run> <folder for copies> <gate tasks> <retention tasks> '<retrain>' …
// with each <retrain> as in a recipe, for example '{method: dpo, beta: 0.2}'.
const [from, runId, to, gate, retention, ...methods] = process.argv.slice(2);
if (!from || !runId || !to || methods.length === 0) {
  throw new Error("usage: methods.ts <workspace> <run> <folder> <gate> <retention> <retrain> …");
}
mkdirSync(to, { recursive: true });
const database = join(to, "redistill.db");
if (!existsSync(database)) copyFileSync(workspaceAt(from).database, database);
const store = Store.open(database, migrationsDirectory);
const run = store.runs.find(runId)!;
const all = frozenTasks(store, runId);
const tasks = {
  ...all,
  gate: all.gate.slice(0, Number(gate)),
  retention: all.retention.slice(0, Number(retention)),
};
const weights = await ensureWeights({});
const model = await EmbeddedChatModel.load({
  ...engineSettings(run.recipe),
  modelPath: weights.path,
  modelSha256: weights.sha256,
});
const needsVenv = (await findUv({})) === null;
const worker = createTrainerWorker({
  python: await ensureTrainerEnvironment({
    trainerDirectory,
    python: await findPython({ needsVenv }),
  }),
  trainerDirectory,
  logFile: join(to, "trainer.log"),
});
const verify = createVerify({});
const train = createTrainer({ worker, model: weights, directory: join(to, "adapters"), verify });
const signal = new AbortController().signal;

/** Answers from the run's calls, or from the model. */
const complete: Complete = async (requests, adapter) => {
  const keys = requests.map((request) => callKey(request, model.digest, adapter?.sha256 ?? null));
  const answers = keys.map((key) => store.calls.find(key) ?? null);
  const missing = answers.flatMap((answer, index) => (answer ? [] : [index]));
  await model.sample(
    missing.map((index) => requests[index]!),
    {
      adapter,
      signal,
      onResult: (position, generation) => {
        const index = missing[position]!;
        answers[index] = { ...generation, callKey: keys[index]! };
      },
    },
  );
  return answers.map((answer) => answer!);
};

const ports: StagePorts = {
  complete,
  verify,
  train: (job) => train(job, { signal, onProgress: () => {} }),
  render: (messages) => model.render(messages),
  remember: createRemember(join(to, "adapters")),
  countTokens: (texts) => model.countTokens(texts),
  logprobs: (callKey) => store.calls.find(callKey)?.logprobs ?? null,
  modelDigest: model.digest,
  holdsSchema: false,
};
const earned = store.rounds.load(runId, 1);
const rows: RoundRows = { ...earned, examples: [], refusals: [], candidate: null, evaluations: [] };
const base: Omit<StageInput, "recipe" | "rows"> = {
  round: 1,
  incumbent: null,
  candidate: null,
  tasks,
  prompts: promptsFrom(store.runs.prompts(runId)),
  earlierExamples: [],
  earlierLessons: [],
  earlierClusters: [],
  earlierLooks: [],
  plannedTasks: null,
};

async function scored(input: StageInput, candidate: Candidate | null): Promise<string> {
  const parts: string[] = [];
  for (const suite of ["gate", "retention"] as const) {
    const { items } = await answerSuite(input, ports, suite, candidate);
    const right = items.filter(({ verdict }) => verdict.outcome === "ok").length;
    parts.push(`${suite} ${right}/${items.length}`);
  }
  return parts.join(", ");
}

try {
  console.log(`base: ${await scored({ ...base, recipe: run.recipe, rows }, null)}`);
  for (const text of methods) {
    const recipe = { ...run.recipe, retrain: retrainSchema.parse(parse(text)) };
    const input = { ...base, recipe, rows };
    const { rows: curated, summary } = await curate(input, ports);
    const trained = await retrain({ ...input, rows: { ...rows, ...curated } }, ports);
    const { candidate } = trained.rows;
    const score = candidate
      ? await scored(
          input,
          candidateOf(candidate, (path) => resolve(path)),
        )
      : trained.rows.noCandidate;
    const data = `${summary.examples} + ${summary.rehearsal} examples`;
    console.log(
      `${text}: ${score}; ${data}, ${candidate?.tokens} tokens, ${candidate?.seconds.toFixed(0)} s`,
    );
  }
} finally {
  await worker.dispose();
  await model.dispose();
  store.close();
}
