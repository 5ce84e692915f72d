import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { appendFile, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { trainThrough } from "../../src/controller/train.js";
import type { Adapter, Task } from "../../src/core/entities.js";
import type { TrainingJob, TrainingProgress } from "../../src/core/ports.js";
import { createReasoningGym } from "../../src/training/reasoning-gym.js";
import { createTrainer, jobHash, trainerRecipe } from "../../src/training/train.js";
import type { TrainerWorker } from "../../src/training/worker.js";
import { createVerify } from "../../src/verifiers/index.js";
import { trainerContract } from "../contract/trainer.js";
import { childScript } from "../support/child.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { fakeWorker, isAlive, startFakeWorker, temporaryDirectory, until } from "./helpers.js";
import { jobWith, model } from "./jobs.js";

trainerContract("a local process with the stand-in", async () => {
  const directory = mkdtempSync(join(tmpdir(), "redistill-test-"));
  const worker = startFakeWorker(directory);
  let folders = 0;
  return {
    job: jobWith("FAULT:slow"),
    bad: jobWith("FAULT:bad_job"),
    open: async () =>
      createTrainer({ worker, model, directory: join(directory, `${folders++}`, "adapters") }),
    async close() {
      await worker.dispose();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});

async function trainer() {
  const worker = await fakeWorker();
  const directory = await temporaryDirectory();
  const train = createTrainer({ worker, model, directory });
  const steps: TrainingProgress[] = [];
  const options = (signal = new AbortController().signal) => ({
    signal,
    onProgress: (progress: TrainingProgress) => void steps.push(progress),
  });
  const trainings = async () =>
    (await readFile(join(directory, "trainings.log"), "utf8").catch(() => "")).split("\n").length -
    1;
  return { train, directory, steps, options, trainings, worker };
}

test("writes the job, maps progress and returns a verified adapter", async () => {
  const { train, directory, steps, options } = await trainer();
  const job = jobWith("2");
  const result = await train(job, options());
  const folder = join(directory, jobHash(job, model.sha256).slice(0, 16));
  expect(result).toMatchObject({
    ggufPath: join(folder, "adapter", "adapter.gguf"),
    peftPath: join(folder, "adapter", "peft"),
    ...{ finalLoss: 0.5, tokens: 12, seconds: 0.1 },
  });
  expect(steps.map(({ step, steps, loss }) => [step, steps, loss])).toEqual([
    [1, 2, 1],
    [2, 2, 0.5],
  ]);
  const written = JSON.parse(await readFile(join(folder, "job.json"), "utf8"));
  expect(written).toMatchObject({
    ...{ version: 1, model_sha256: model.sha256, parent: null, seed: 7 },
    settings: { learning_rate: 0.001, tokens_per_step: 512, warmup_ratio: 0.1 },
  });
  expect(await readFile(written.examples, "utf8")).toBe('{"prompt":"1 + 1 = ","completion":"2"}\n');
  expect((await readdir(folder)).sort()).toEqual(["adapter", "examples.jsonl", "job.json"]);
});

test("the same job is trained once, another one anew", async () => {
  const { train, options, trainings } = await trainer();
  const first = await train(jobWith("2"), options());
  expect(await train(jobWith("2"), options())).toEqual(first);
  expect(await trainings()).toBe(1);
  await train(jobWith("2", { seed: 8 }), options());
  expect(await trainings()).toBe(2);
  const parent: Adapter = {
    ...{ sha256: "b".repeat(64), ggufPath: "p/adapter.gguf", peftPath: "p/peft" },
    ...{ parent: null, round: 1 },
  };
  const hashes = [jobWith("2"), jobWith("3"), jobWith("2", { seed: 8 }), jobWith("2", { parent })];
  const elsewhere = { ...parent, peftPath: "q/peft", round: 2 };
  expect(new Set(hashes.map((job) => jobHash(job, model.sha256))).size).toBe(4);
  expect(jobHash(jobWith("2", { parent: elsewhere }), model.sha256)).toBe(
    jobHash(jobWith("2", { parent }), model.sha256),
  );
});

test("a kept adapter that was damaged is trained again", async () => {
  const { train, options, trainings } = await trainer();
  const first = await train(jobWith("2"), options());
  const damages = [
    () => truncate(first.ggufPath, 10),
    () => appendFile(first.ggufPath, "more"),
    () => rm(join(first.peftPath, "adapter_model.safetensors")),
    () => truncate(join(first.ggufPath, "..", "manifest.json"), 20),
  ];
  for (const damage of damages) {
    await damage();
    expect(await train(jobWith("2"), options())).toEqual(first);
  }
  expect(await trainings()).toBe(5);
});

test("an adapter that is not the reported one is refused", async () => {
  const { train, options } = await trainer();
  await expect(train(jobWith("FAULT:truncated"), options())).rejects.toMatchObject({
    ...{ kind: "training", fault: "wrong_adapter" },
  });
});

test.each([
  ["bad_job", "training"],
  ["out_of_memory", "training"],
  ["nan_loss", "training"],
  ["disk_full", "storage"],
  ["bad_weights", "model"],
  ["weak_reward", "training"],
  ["internal", "training"],
])("the worker's %s becomes a %s error with its hint", async (fault, kind) => {
  const { train, options } = await trainer();
  await expect(train(jobWith(`FAULT:${fault}`), options())).rejects.toMatchObject({
    ...{ kind, fault, hint: "do better", message: expect.stringContaining("told to fail") },
  });
});

test.each([
  ["killed near the limit", "out_of_memory"],
  ["killed", "crashed"],
])("a worker that is %s ended by %s", async (how, fault) => {
  const { train, options } = await trainer();
  await expect(train(jobWith(`FAULT:${how}`), options())).rejects.toMatchObject({
    ...{ kind: "training", fault },
    message: expect.stringContaining("SIGKILL"),
  });
});

test.each([
  ["out_of_memory>200", { tokensPerStep: 128, learningRate: 0.001 }],
  ["nan_loss>0.0007", { tokensPerStep: 512, learningRate: 0.0005 }],
])(
  "a run that meets %s trains with settings that work, in a job of their own",
  async (fault, expected) => {
    const { train, options, trainings, directory } = await trainer();
    const folder = await temporaryDirectory();
    const { store } = await scriptedRun(folder, sumsRecipe(folder));
    store.transaction(() => store.rounds.begin("sums-1", 1, null));
    const job = jobWith(`FAULT:${fault}`);
    const through = {
      ...{ store, runId: "sums-1", round: 1, observe: () => {}, signal: options().signal },
      train: (given: TrainingJob) => train(given, options()),
    };
    const result = await trainThrough(job, through);
    const eased = { ...job, settings: { ...job.settings, ...expected } };
    expect(result.ggufPath).toContain(jobHash(eased, model.sha256).slice(0, 16));
    // Asked again, as by a resumed run, it takes the same way and trains nothing.
    expect(await trainThrough(job, through)).toEqual(result);
    expect(await trainings()).toBe(1);
    expect((await readdir(directory)).length).toBeGreaterThan(2);
    store.close();
  },
);

test("a training whose controller is killed leaves no process, and goes on from its checkpoint", async () => {
  const { train, directory, options, steps, trainings } = await trainer();
  const job = jobWith("FAULT:wait after checkpoint");
  const controller = spawn(
    process.execPath,
    [childScript("training-child"), directory, JSON.stringify(job)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const checkpoint = join(
    ...[directory, jobHash(job, model.sha256).slice(0, 16), "adapter", "checkpoint"],
  );
  const [line] = (await once(controller.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  await until(() => existsSync(checkpoint));
  expect(isAlive(pid)).toBe(true);
  controller.kill("SIGKILL");
  await until(() => !isAlive(pid));
  expect(await train(job, options())).toMatchObject({ finalLoss: 0.5 });
  expect(steps.map(({ step }) => step)).toEqual([2]);
  expect(await trainings()).toBe(1);
});

test("a crash in the middle leaves the worker usable", async () => {
  const { train, options } = await trainer();
  await expect(train(jobWith("FAULT:crash"), options())).rejects.toMatchObject({
    fault: "crashed",
  });
  expect(await train(jobWith("2"), options())).toMatchObject({ finalLoss: 0.5 });
});

test("an abort and a failing listener end the request", async () => {
  const { train, options } = await trainer();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 200);
  await expect(train(jobWith("FAULT:wait"), options(controller.signal))).rejects.toMatchObject({
    kind: "interrupted",
  });
  const onProgress = () => {
    throw new Error("the listener failed");
  };
  const failing = train(jobWith("FAULT:wait"), { ...options(), onProgress });
  await expect(failing).rejects.toThrow("the listener failed");
});

test("no examples, and a folder that cannot be written, are refused before anything runs", async () => {
  const { train, worker, options } = await trainer();
  await expect(train(jobWith("2", { examples: [] }), options())).rejects.toThrow(/no example/);
  const nowhere = createTrainer({ worker, model, directory: "/dev/null/adapters" });
  await expect(nowhere(jobWith("2"), options())).rejects.toMatchObject({ kind: "storage" });
  expect(worker.pid).toBeNull();
});

test("makes and scores tasks, in portions", async () => {
  const gym = createReasoningGym(await fakeWorker());
  const tasks = await gym.tasks("sums", { max: 9 }, 1_200, 3);
  expect(tasks[7]).toEqual({ question: "sums 7?", answer: "7", entry: { n: 7 } });
  const items = tasks.map(({ entry }, index) => ({
    entry,
    answer: index === 1_100 ? null : `${index}`,
  }));
  const scores = await gym.score("sums", {}, items);
  expect(scores).toHaveLength(1_200);
  expect(scores.filter((score) => score !== 1)).toEqual([0.01]);
});

test("answers of another shape are refused", async () => {
  const gym = createReasoningGym({
    request: async () => ({ tasks: [{ question: 1 }], scores: [] }),
  });
  await expect(gym.tasks("sums", {}, 1, 3)).rejects.toMatchObject({ fault: "protocol" });
  await expect(gym.score("sums", {}, [{ entry: {}, answer: "" }])).rejects.toThrow(
    /0 scores for 1/,
  );
});

test("names jobs by the trainer's own recipe number", async () => {
  const source = await readFile("trainer/redistill_trainer/job.py", "utf8");
  expect(Number(/^RECIPE = (\d+)/m.exec(source)?.[1])).toBe(trainerRecipe);
});

test("plain imitation keeps the name that it had before there were other methods", () => {
  expect(jobHash(jobWith("2"), model.sha256)).toBe(
    "9ed37edf55f58fd9a20eb2adfb5523ec08221486c98ef39c608c345359bb6a12",
  );
  const dpo = jobWith("2", { method: "dpo", options: { beta: 0.1, sftWeight: 1 } });
  const softer = jobWith("2", { method: "dpo", options: { beta: 0.2, sftWeight: 1 } });
  const names = [jobWith("2"), dpo, softer].map((job) => jobHash(job, model.sha256));
  expect(new Set(names).size).toBe(3);
});

test("writes a method's settings under the worker's names", async () => {
  const { train, directory, options } = await trainer();
  const job = jobWith("good", { method: "dpo", options: { beta: 0.1, sftWeight: 1 } });
  await train(job, options());
  const [folder] = (await readdir(directory)).filter((name) => !name.endsWith(".log"));
  const written = JSON.parse(await readFile(join(directory, folder!, "job.json"), "utf8"));
  expect(written).toMatchObject({ method: "dpo", options: { beta: 0.1, sft_weight: 1 } });
});

test("answers the trainer's questions with the verifiers' scores; ungradable is no score", async () => {
  const task = (id: string, reference: string | null): Task => ({
    ...{ id, split: "train", prompt: "2 + 2", reference, tags: [], metadata: null },
    verifier: { kind: "numeric" },
  });
  const examples = [task("a", "4"), task("b", null)].map((each) => ({ prompt: "p", task: each }));
  const replies: object[] = [];
  const request: TrainerWorker["request"] = async (_operation, fields, options) => {
    const written = JSON.parse(await readFile((fields as { job: string }).job, "utf8"));
    const lines = (await readFile(written.examples, "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).task)).toEqual(["a", "b"]);
    const answers = ["4", "5"].map((answer) => ({ task: "a", answer }));
    const ask = { event: "ask", answers: [...answers, { task: "b", answer: "4" }] };
    replies.push(await options!.onAsk!(ask));
    throw new Error("enough");
  };
  const train = createTrainer({
    worker: { request },
    model,
    directory: await temporaryDirectory(),
    verify: createVerify({}),
  });
  const job = { ...jobWith(""), method: "grpo" as const, examples };
  const options = { signal: new AbortController().signal, onProgress: () => {} };
  await expect(train(job, options)).rejects.toThrow("enough");
  const found = expect.any(String);
  expect(replies).toEqual([{ rewards: [1, 0, null], findings: [found, found, found] }]);
});
