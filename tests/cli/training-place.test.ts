import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openTrainingPlace } from "../../src/cli/training-place.js";
import { trainerSchema } from "../../src/core/trainer.js";
import { createTrainer } from "../../src/training/train.js";
import type { TrainerWorker } from "../../src/training/worker.js";
import { startReceiver } from "../support/receiver.js";
import { startScriptedRay } from "../support/scripted-ray.js";
import { provided } from "../training/helpers.js";
import { jobWith } from "../training/jobs.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

const { signal } = new AbortController();
const worker = { request: () => Promise.reject(new Error("asked")) } as unknown as TrainerWorker;

function open(settings: object) {
  const trainer = trainerSchema.parse({ executor: "ray", ...settings });
  return openTrainingPlace(trainer, worker, recordingOutput(), signal);
}

test("trainings are the local worker's unless the recipe says otherwise", async () => {
  const local = trainerSchema.parse(undefined);
  const place = await openTrainingPlace(local, worker, recordingOutput(), signal);
  expect(place.worker).toBe(worker);
});

test("a cluster is sent the real trainer's package, which refuses a bad job there", async () => {
  const folder = temporaryFolder();
  const ray = await startScriptedRay(folder);
  cleanups.push(() => ray.close());
  const python = provided("REDISTILL_TEST_PYTHON");
  const place = await open({ address: ray.address, sharedFolder: folder, python });
  cleanups.push(() => place.close());
  const model = {
    path: join(folder, "model.gguf"),
    sha256: createHash("sha256").update("weights").digest("hex"),
  };
  writeFileSync(model.path, "weights");
  const train = createTrainer({ worker: place.worker, model, directory: join(folder, "adapters") });
  const { settings } = jobWith("2");
  const bad = jobWith("2", { settings: { ...settings, rank: 0 } });
  await expect(train(bad, { signal, onProgress() {} })).rejects.toMatchObject({
    ...{ kind: "training", fault: "bad_job", message: expect.stringContaining("rank") },
  });
  expect(ray.submitted).toHaveLength(1);
});

test.each([
  [{ status: 404 }, "no Ray dashboard"],
  [{ status: 403, body: "no" }, "trainer.token"],
  [{ status: 502 }, "trainer.executor to local"],
])("%j to the first look is refused before anything is paid", async (answer, told) => {
  const receiver = await startReceiver([answer]);
  cleanups.push(() => receiver.close());
  const opening = open({ address: receiver.url, sharedFolder: temporaryFolder() });
  const error = await opening.catch((error) => error);
  expect(error).toMatchObject({ kind: "setup" });
  expect(`${error.message} ${error.hint}`).toContain(told);
});

test("a shared folder that is not there is refused before the head is asked", async () => {
  await expect(open({ sharedFolder: "/dev/null/shared" })).rejects.toMatchObject({
    kind: "setup",
    message: expect.stringContaining("sharedFolder"),
  });
});

test("a token is never in a recipe, and neither is a password in an address", () => {
  const ray = { executor: "ray", sharedFolder: "/s" };
  const refused = (settings: object) => trainerSchema.safeParse({ ...ray, ...settings }).success;
  expect(refused({ token: "secret" })).toBe(false);
  expect(refused({ address: "http://me:word@head:8265" })).toBe(false);
  expect(refused({ address: "ray://head:10001" })).toBe(false);
  expect(refused({ token: { env: "RAY_TOKEN" } })).toBe(true);
  expect(trainerSchema.parse(undefined)).toEqual({ executor: "local" });
});
