import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { AdapterReference } from "../store/snapshot.js";
import { filesBelow, isWithin } from "./files.js";
import type { WorkspacePaths } from "./workspace.js";

const weightsName = "adapter_model.safetensors";

/** A training that is over needs no way back into it. */
export const checkpointName = "checkpoint";

/** The folder of the job that an adapter came from; null where it lies outside `memory/adapters`. */
export function jobFolder({ root, adapters }: WorkspacePaths, path: string): string | null {
  const full = join(root, path);
  if (!isWithin(adapters, full)) return null;
  const [name] = relative(adapters, full).split(sep);
  return name === undefined || name === "" ? null : join(adapters, name);
}

/** The sha256 of the PEFT weights as the trainer wrote it down; null where it did not. */
export async function recordedPeft(manifest: string): Promise<string | null> {
  try {
    const { peft_sha256 } = JSON.parse(await readFile(manifest, "utf8"));
    return /^[0-9a-f]{64}$/.test(peft_sha256) ? peft_sha256 : null;
  } catch {
    return null;
  }
}

/** All files of an adapter, relative to the workspace, with the sha256 that each must have if one is known. */
export async function adapterFiles(
  paths: WorkspacePaths,
  { sha256, ggufPath, peftPath }: Pick<AdapterReference, "sha256" | "ggufPath" | "peftPath">,
): Promise<Map<string, string | null>> {
  const files = new Map<string, string | null>();
  const home = jobFolder(paths, ggufPath);
  const folders = [home, join(paths.root, peftPath)].filter((folder) => folder !== null);
  for (const folder of folders) {
    const from = relative(paths.root, folder);
    for (const path of await filesBelow(folder, [checkpointName]))
      files.set(join(from, path), null);
  }
  files.set(join(ggufPath), sha256);
  const weights = join(peftPath, weightsName);
  const recorded = await recordedPeft(join(paths.root, dirname(ggufPath), "manifest.json"));
  if (files.has(weights) || recorded !== null) files.set(weights, recorded);
  return files;
}
