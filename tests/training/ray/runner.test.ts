import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Adapter, Task } from "../../../src/core/entities.js";
import type { Train, TrainingJob, TrainingResult } from "../../../src/core/ports.js";
import { jobHash } from "../../../src/training/train.js";
import { createVerify } from "../../../src/verifiers/index.js";
import { trainerContract } from "../../contract/trainer.js";
import { until } from "../helpers.js";
import { jobWith } from "../jobs.js";
import { type Cluster, startCluster } from "./cluster.js";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster.close());

trainerContract("a scripted Ray cluster with the stand-in", async () => {
  const own = await startCluster();
  let folders = 0;
  return {
    job: jobWith("FAULT:slow"),
    bad: jobWith("FAULT:bad_job"),
    open: async () => own.trainer(`${folders++}`),
    close: () => own.close(),
  };
});

interface Trained {
  readonly result: TrainingResult;
  readonly steps: readonly number[];
}

async function run(train: Train, job: TrainingJob, signal?: AbortSignal): Promise<Trained> {
  const steps: number[] = [];
  const result = await train(job, {
    signal: signal ?? new AbortController().signal,
    onProgress: ({ step }) => void steps.push(step),
  });
  return { result, steps };
}

const idOf = (job: TrainingJob, number = 1) =>
  `redistill-${jobHash(job, cluster.model.sha256).slice(0, 16)}-${number}`;

const trainings = async (folder: string) => {
  const log = join(cluster.sharedFolder(folder), "jobs", "trainings.log");
  return (await readFile(log, "utf8").catch(() => "")).split("\n").length - 1;
};

test("submits the job by its hash, with its resources and nothing of ours in its environment", async () => {
  const { result } = await run(cluster.trainer("a"), jobWith("2"));
  expect(cluster.ray.submitted).toEqual([idOf(jobWith("2"))]);
  const { request } = cluster.ray.jobs.get(idOf(jobWith("2")))!;
  expect(request).toMatchObject({ entrypoint_num_cpus: 2, entrypoint_num_gpus: 0.5 });
  expect(JSON.stringify(request)).not.toContain("a token for tests");
  expect(new Set(cluster.ray.authorizations)).toEqual(new Set(["Bearer a token for tests"]));
  const shared = cluster.sharedFolder("a");
  expect(await readdir(join(shared, "weights"))).toEqual([`${cluster.model.sha256}.gguf`]);
  expect(await readdir(join(result.ggufPath, "..", ".."))).toEqual(
    expect.arrayContaining(["adapter", "examples.jsonl", "job.json"]),
  );
});

test("a parent is copied along", async () => {
  const { result } = await run(cluster.trainer("a"), jobWith("2"));
  const parent: Adapter = { ...result, parent: null, round: 1 };
  const child = jobWith("3", { parent });
  await run(cluster.trainer("a"), child);
  const folder = join(cluster.sharedFolder("a"), "jobs", idOf(child).split("-")[1]!);
  expect(await readFile(join(folder, "parent", "adapter_model.safetensors"), "utf8")).toBe("peft");
  expect(JSON.parse(await readFile(join(folder, "job.json"), "utf8")).parent).toBe(
    join(folder, "parent"),
  );
});

test("weights that are not those of the job are refused before anything is submitted", async () => {
  await writeFile(cluster.model.path, "others!");
  await expect(run(cluster.trainer("a"), jobWith("2"))).rejects.toMatchObject({
    fault: "bad_weights",
  });
  expect(cluster.ray.submitted).toEqual([]);
});

test("two runs with the same job train it once", async () => {
  const job = jobWith("FAULT:slow");
  const first = run(cluster.trainer("a"), job);
  await until(() => cluster.ray.submitted.length === 1);
  const second = await run(cluster.trainer("a", { workspace: "another" }), job);
  expect(second.steps).toEqual([1, 2]);
  expect((await first).result.sha256).toBe(second.result.sha256);
  expect(cluster.ray.submitted).toHaveLength(1);
  expect(await trainings("a")).toBe(1);
});

test("one trainer has several jobs run at once, with what they share written once", async () => {
  const train = cluster.trainer("a");
  const jobs = ["FAULT:slow", "2", "3"].map((text) => jobWith(text));
  const results = await Promise.all(jobs.map((job) => run(train, job)));
  expect(new Set(results.map(({ result }) => result.ggufPath)).size).toBe(3);
  expect(cluster.ray.submitted.toSorted()).toEqual(jobs.map((job) => idOf(job)).toSorted());
  const shared = cluster.sharedFolder("a");
  expect(await readdir(join(shared, "weights"))).toEqual([`${cluster.model.sha256}.gguf`]);
  expect(await readdir(join(shared, "trainer"))).toHaveLength(1);
});

test("a controller that comes back later takes the adapter that is finished", async () => {
  const { result } = await run(cluster.trainer("a"), jobWith("2"));
  await rm(join(result.ggufPath, "..", ".."), { recursive: true });
  const again = await run(cluster.trainer("a"), jobWith("2"));
  expect(again).toEqual({ result, steps: [] });
  expect(cluster.ray.submitted).toHaveLength(1);
});

test("a result damaged in the shared folder is trained again, as another submission", async () => {
  const { result } = await run(cluster.trainer("a"), jobWith("2"));
  await rm(join(result.ggufPath, "..", ".."), { recursive: true });
  const name = idOf(jobWith("2")).split("-")[1]!;
  await writeFile(join(cluster.sharedFolder("a"), "jobs", name, "adapter", "adapter.gguf"), "x");
  expect((await run(cluster.trainer("a"), jobWith("2"))).result).toEqual(result);
  expect(cluster.ray.submitted).toEqual([idOf(jobWith("2")), idOf(jobWith("2"), 2)]);
});

test("reads events whole and once, also where the log cannot be streamed", async () => {
  cluster.ray.streams = false;
  const { steps } = await run(cluster.trainer("a"), jobWith("FAULT:slow"));
  expect(steps).toEqual([1, 2]);
});

test("a lost node: the job is submitted again and goes on from its checkpoint", async () => {
  const job = jobWith("FAULT:wait after checkpoint");
  const training = run(cluster.trainer("a"), job);
  await untilCheckpoint(job);
  cluster.ray.loseNodes();
  expect((await training).steps).toEqual([2]);
  expect(cluster.ray.submitted).toEqual([idOf(job), idOf(job, 2)]);
  expect(cluster.notes.join()).toContain("was lost on the Ray cluster");
});

test("nodes that are lost again and again end the training, resumable", async () => {
  const job = jobWith("FAULT:wait");
  const training = run(cluster.trainer("a"), job);
  const ended = expect(training).rejects.toMatchObject({ kind: "training", fault: "crashed" });
  for (let number = 1; number <= 4; number++) {
    await until(() => cluster.ray.submitted.length === number);
    cluster.ray.loseNodes();
  }
  await ended;
  expect(cluster.ray.submitted).toHaveLength(4);
});

test("a new head that knows nothing is given the job again, and it goes on", async () => {
  const job = jobWith("FAULT:wait after checkpoint");
  const training = run(cluster.trainer("a"), job);
  await untilCheckpoint(job);
  cluster.ray.plan("reset", 503, 404);
  cluster.ray.loseHead();
  expect((await training).steps).toEqual([2]);
  expect(cluster.ray.submitted).toEqual([idOf(job), idOf(job)]);
});

test("a head that stays away pauses the run; the job goes on and is found again", async () => {
  const job = jobWith("FAULT:wait after checkpoint");
  const training = run(cluster.trainer("a"), job);
  await untilCheckpoint(job);
  cluster.ray.plan(...Array(50).fill("reset"));
  await expect(training).rejects.toMatchObject({
    ...{ kind: "paused", reason: "server", message: expect.stringContaining("has been away") },
  });
  expect(cluster.ray.jobs.get(idOf(job))?.status).toBe("RUNNING");
  cluster.ray.plan();
  const resumed = run(cluster.trainer("a"), job);
  await until(() => cluster.notes.at(-1)?.includes("which is under way") === true);
  cluster.ray.loseNodes();
  expect((await resumed).steps).toEqual([2]);
  expect(cluster.ray.submitted).toHaveLength(2);
});

test("an abort while the head is away ends at once", async () => {
  cluster.ray.plan(...Array(50).fill(503));
  const controller = new AbortController();
  const train = cluster.trainer("a", { patienceMs: 60_000, firstDelayMs: 30_000 });
  const training = run(train, jobWith("2"), controller.signal);
  setTimeout(() => controller.abort(), 100);
  await expect(training).rejects.toMatchObject({ kind: "interrupted" });
});

test("a submission whose answer is lost is not made twice", async () => {
  // Nothing is known of the job; it is submitted, and nobody hears that it was.
  cluster.ray.plan("pass", "lose");
  const { steps } = await run(cluster.trainer("a"), jobWith("FAULT:slow"));
  expect(steps).toEqual([1, 2]);
  expect(cluster.ray.submitted).toHaveLength(1);
});

test.each([
  [[401], "trainer.token"],
  [["pass", 422], "refuses the request"],
] as const)("HTTP %j is told with what to do", async (answers, told) => {
  cluster.ray.plan(...answers);
  const error = await run(cluster.trainer("a"), jobWith("2")).catch((error) => error);
  expect(error).toMatchObject({ kind: "setup" });
  expect(`${error.message} ${error.hint}`).toContain(told);
});

test.each([
  ["JOB_SUPERVISOR_ACTOR_START_TIMEOUT", { kind: "paused", reason: "server" }],
  ["JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE", { kind: "paused", reason: "server" }],
  ["RUNTIME_ENV_SETUP_FAILURE", { kind: "setup" }],
])("a job that never ran for %s", async (errorType, expected) => {
  const training = run(cluster.trainer("a"), jobWith("FAULT:wait"));
  const ended = expect(training).rejects.toMatchObject(expected);
  await until(() => cluster.ray.jobs.size === 1);
  cluster.ray.loseNodes(errorType);
  await ended;
});

test("a worker that dies is told with its last lines, and the next try is another submission", async () => {
  const job = jobWith("FAULT:crash");
  for (const number of [1, 2]) {
    await expect(run(cluster.trainer("a"), job)).rejects.toMatchObject({
      ...{ fault: "crashed", message: expect.stringContaining("about to crash") },
    });
    expect(cluster.ray.submitted).toHaveLength(number);
  }
});

test("a training that somebody stops on the cluster pauses the run", async () => {
  const job = jobWith("FAULT:wait");
  const training = run(cluster.trainer("a"), job);
  const ended = expect(training).rejects.toMatchObject({ kind: "paused", reason: "server" });
  await until(() => cluster.ray.jobs.size === 1);
  await fetch(`${cluster.ray.address}/api/jobs/${idOf(job)}/stop`, { method: "POST" });
  await ended;
});

test("a job that falls silent is stopped", async () => {
  const train = cluster.trainer("a", { silenceMs: 400 });
  const job = jobWith("FAULT:hang");
  await expect(run(train, job)).rejects.toMatchObject({ kind: "training", fault: "silent" });
  expect(cluster.ray.jobs.get(idOf(job))?.status).toBe("STOPPED");
});

test("a listener that throws stops the job", async () => {
  const train = cluster.trainer("a");
  const job = jobWith("FAULT:wait");
  const onProgress = () => {
    throw new Error("the listener failed");
  };
  const training = train(job, { signal: new AbortController().signal, onProgress });
  await expect(training).rejects.toThrow("the listener failed");
  expect(cluster.ray.jobs.get(idOf(job))?.status).toBe("STOPPED");
});

test("rewards go back to the job as files", async () => {
  const task: Task = {
    ...{ id: "t", split: "train", prompt: "1 + 1 = ", reference: "2", tags: [], metadata: null },
    verifier: { kind: "exact" },
  };
  const job = jobWith("2", { method: "grpo", examples: [{ prompt: "1 + 1 = ", task }] });
  const train = cluster.trainer("a", { verify: createVerify({}) });
  const losses: (number | null)[] = [];
  const onProgress = ({ loss }: { loss: number | null }) => void losses.push(loss);
  await train(job, { signal: new AbortController().signal, onProgress });
  // The stand-in asks about one right and one wrong answer, and says the sum of the rewards.
  expect(losses[0]).toBe(1);
});

test("a question that cannot be answered ends the training", async () => {
  const task = { id: "t" } as Task;
  const job = jobWith("2", { method: "grpo", examples: [{ prompt: "1 + 1 = ", task }] });
  const verify = () => Promise.reject(new Error("no verifier"));
  await expect(run(cluster.trainer("a", { verify }), job)).rejects.toThrow("no verifier");
  expect(cluster.ray.jobs.get(idOf(job))?.status).toBe("STOPPED");
});

async function untilCheckpoint(job: TrainingJob): Promise<void> {
  const name = idOf(job).split("-")[1]!;
  const path = join(cluster.sharedFolder("a"), "jobs", name, "adapter", "checkpoint");
  await until(() => existsSync(path));
}
