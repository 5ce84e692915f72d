import { copyFile, lstat, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isWholeModel } from "../core/entities.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { redact } from "../core/secrets.js";
import { hashFile } from "../setup/digest.js";
import { codeOf, commitFile, writeFileAtomic } from "../setup/files.js";
import { refuseLink } from "./paths.js";

/** What the trainer wrote down beside an adapter; null where it is not there. */
export interface TrainingRecord {
  readonly peftSha256: string | null;
}

/** Reads the trainer's job and manifest, which stay where the adapter was written. */
export async function readRecord(ggufPath: string): Promise<TrainingRecord> {
  const adapter = dirname(ggufPath);
  const read = async (path: string, key: string): Promise<string | null> => {
    try {
      const value = JSON.parse(await readFile(path, "utf8"))[key];
      return /^[0-9a-f]{64}$/.test(value) ? value : null;
    } catch {
      return null;
    }
  };
  return {
    peftSha256: await read(join(adapter, "manifest.json"), "peft_sha256"),
  };
}

/** Refuses a folder that holds something, unless told otherwise. */
export async function requireUsableFolder(path: string, force: boolean): Promise<void> {
  refuseLink(path, "an export stays in the folder that was named");
  const entries = await readdir(path).catch((error) => {
    if (codeOf(error) === "ENOENT") return [];
    throw new RedistillError(
      "usage",
      `${path} cannot be a folder for the export: ${messageOf(error)}`,
      "Name another one with --output.",
    );
  });
  if (entries.length === 0 || force) return;
  throw new RedistillError(
    "usage",
    `${path} is not empty`,
    "Name another folder with --output, or replace the earlier export with --force.",
  );
}

/** Fills a folder beside the target, then moves its entries in: a failure leaves the target as it was. */
export async function writeFolder(
  target: string,
  fill: (folder: string) => Promise<Record<string, string>>,
): Promise<void> {
  const beside = `${target}.${process.pid}.tmp`;
  try {
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside, { recursive: true });
    for (const [name, text] of Object.entries(await fill(beside))) {
      await writeFileAtomic(join(beside, name), redact(text));
    }
    await mkdir(target, { recursive: true });
    for (const name of await readdir(beside)) {
      await rm(join(target, name), { recursive: true, force: true });
      await rename(join(beside, name), join(target, name));
    }
  } catch (cause) {
    if (cause instanceof RedistillError) throw cause;
    throw new RedistillError(
      "storage",
      `cannot write ${target}: ${messageOf(cause)}`,
      "Make room or fix the permissions there, or name another folder with --output.",
      { cause },
    );
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Copies the files of an adapter, or the one of a whole model, and reads the copies back: each must have the hash of its original. */
export async function copyVerified(options: {
  ggufPath: string;
  peftPath: string;
  sha256: string;
  record: TrainingRecord;
  folder: string;
}): Promise<void> {
  const { ggufPath, peftPath, sha256, record, folder } = options;
  if (isWholeModel(options)) return copyWithHash(ggufPath, join(folder, "model.gguf"), sha256);
  await copyWithHash(ggufPath, join(folder, "adapter.gguf"), sha256);
  await mkdir(join(folder, "peft"));
  for (const name of (await filesIn(peftPath)).sort()) {
    const isWeights = name === "adapter_model.safetensors" && record.peftSha256 !== null;
    const path = join(peftPath, name);
    const expected = isWeights ? record.peftSha256! : await hashFile(path);
    await copyWithHash(path, join(folder, "peft", name), expected);
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause) => {
    throw new RedistillError(
      "model",
      `the adapter's PEFT folder cannot be read: ${messageOf(cause)}`,
      "Run the command in the folder in which the run was made, or put the folder back.",
      { cause },
    );
  });
  const kept: string[] = [];
  // A link could lead anywhere; the trainer writes none.
  for (const name of names) if ((await lstat(join(folder, name))).isFile()) kept.push(name);
  return kept;
}

async function copyWithHash(from: string, to: string, sha256: string): Promise<void> {
  await copyFile(from, to);
  await commitFile(to, to);
  const actual = await hashFile(to);
  if (actual === sha256) return;
  throw new RedistillError(
    "model",
    `${from} is not the file that was trained: the copy's sha256 is ${actual.slice(0, 12)}…, expected ${sha256.slice(0, 12)}…`,
    "It was cut off or changed, or the disk failed: put a copy of the file back. Nothing was exported.",
  );
}
