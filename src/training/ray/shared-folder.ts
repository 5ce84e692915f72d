import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, RedistillError } from "../../core/errors.js";
import type { WorkerEvent } from "../event.js";
import { TrainerFailure } from "../failure.js";
import { besideOf, copyFolderDurably, writeDurably } from "../files.js";
import { finished, hashOf } from "../train.js";

/** A job whose files lie where the nodes find them. */
export interface SharedJob {
  /** Equal for equal jobs: the name of the job's folder, which is its hash. */
  readonly name: string;
  readonly folder: string;
  readonly jobPath: string;
  /** A folder for PYTHONPATH. */
  readonly packages: string;
  /** The manifest of the finished adapter, after it was copied to where the job wants it; else null. */
  takeBack(): Promise<WorkerEvent | null>;
}

const jobShape = z.looseObject({
  ...{ model: z.string(), model_sha256: z.string(), examples: z.string() },
  ...{ parent: z.string().nullable(), output: z.string(), weights: z.literal("full").optional() },
});

/**
 * Puts a job and all that it reads into the shared folder, with other paths and the same content:
 * weights once for all jobs, by their hash; the trainer's package by the hash of its files.
 *
 * @throws RedistillError `storage` when the folder cannot be written.
 */
export async function shareJob(
  jobPath: string,
  sharedFolder: string,
  trainerDirectory: string,
): Promise<SharedJob> {
  try {
    const job = jobShape.parse(JSON.parse(await readFile(jobPath, "utf8")));
    const name = basename(dirname(jobPath));
    const folder = join(sharedFolder, "jobs", name);
    await mkdir(folder, { recursive: true });
    const shared = {
      ...job,
      model: join(sharedFolder, "weights", `${job.model_sha256}.gguf`),
      examples: join(folder, "examples.jsonl"),
      parent: job.parent === null ? null : join(folder, job.weights ? "parent.gguf" : "parent"),
      output: join(folder, "adapter"),
    };
    await shareFile(job.model, shared.model, job.model_sha256);
    await writeDurably(shared.examples, await readFile(job.examples, "utf8"));
    if (job.parent !== null && job.weights === undefined)
      await shareParent(job.parent, shared.parent!);
    else if (job.parent !== null)
      await shareFile(job.parent, shared.parent!, await hashOf(job.parent));
    const path = join(folder, "job.json");
    await writeDurably(path, `${JSON.stringify(shared, null, 2)}\n`);
    return {
      ...{ name, folder, jobPath: path },
      packages: await sharePackage(trainerDirectory, sharedFolder),
      takeBack: () => takeBack(shared.output, job.output),
    };
  } catch (error) {
    if (error instanceof RedistillError) throw error;
    throw unwritable(sharedFolder, error);
  }
}

/** Refuses a shared folder that is absent or cannot be written, before anything is paid for. */
export async function requireSharedFolder(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isDirectory()) throw new Error("it is not a folder");
    await mkdir(join(path, "jobs"), { recursive: true });
  } catch (error) {
    throw new RedistillError(
      "setup",
      `trainer.sharedFolder: cannot use ${path}: ${messageOf(error)}.`,
      "Name a folder that this machine and every node of the cluster can write under this path.",
      { cause: error },
    );
  }
}

async function shareFile(from: string, to: string, sha256: string): Promise<void> {
  const there = await stat(to).catch(() => null);
  // The node checks the hash each time that it loads them.
  if (there !== null && there.size === (await stat(from)).size) return;
  await mkdir(dirname(to), { recursive: true });
  const beside = besideOf(to);
  await copyFile(from, beside);
  const found = await hashOf(beside);
  if (found !== sha256) {
    await rm(beside, { force: true });
    throw new TrainerFailure(
      "bad_weights",
      `${from} has the sha256 ${found}, not ${sha256} as the job says.`,
      "Check the file; fetch it again if it is damaged.",
    );
  }
  await rename(beside, to);
}

async function shareParent(from: string, to: string): Promise<void> {
  const weights = "adapter_model.safetensors";
  const wanted = await hashOf(join(from, weights));
  const found = await hashOf(join(to, weights)).catch(() => null);
  if (found === wanted) return;
  await copyFolderDurably(from, to);
  if ((await hashOf(join(to, weights))) !== wanted) {
    throw new Error(`the copy of ${from} in ${to} differs from it`);
  }
}

/** The trainer's package, in a folder named by the hash of its files. */
async function sharePackage(trainerDirectory: string, sharedFolder: string): Promise<string> {
  const source = join(trainerDirectory, "redistill_trainer");
  const files = await readdir(source, { recursive: true });
  const names = files.filter((name) => name.endsWith(".py")).sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\n${await hashOf(join(source, name))}\n`);
  const packages = join(sharedFolder, "trainer", hash.digest("hex").slice(0, 16));
  const target = join(packages, "redistill_trainer");
  if ((await stat(target).catch(() => null)) === null) {
    await copyFolderDurably(source, target, (path) => basename(path) !== "__pycache__");
  }
  return packages;
}

/** Copies the finished adapter; nothing but whole files that are the manifest's. */
async function takeBack(from: string, to: string): Promise<WorkerEvent | null> {
  if ((await finished(from)) === null) return null;
  try {
    await copyFolderDurably(from, to, (path) => basename(path) !== "checkpoint");
    return JSON.parse(await readFile(join(to, "manifest.json"), "utf8")) as WorkerEvent;
  } catch (error) {
    throw unwritable(to, error);
  }
}

function unwritable(path: string, cause: unknown): RedistillError {
  return new RedistillError(
    "storage",
    `Cannot copy a training's files to ${path}: ${messageOf(cause)}.`,
    "Make room or fix the permissions there, then run the command again; what was finished is kept.",
    { cause },
  );
}
