import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { isWholeModel } from "../core/entities.js";
import type { AdapterPaths } from "../store/housekeeping.js";
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

/** The paths of an adapter's parts, relative to the workspace. */
export function partsOf({
  ggufPath,
  peftPath,
  memoryPath,
}: Omit<AdapterPaths, "sha256">): string[] {
  return [ggufPath, peftPath, memoryPath].filter((path) => path !== null);
}

/** What `gc` takes away of an adapter: its weights, or its memory where it has none of its own. */
export function mainPath({ ggufPath, memoryPath }: AdapterPaths): string {
  return ggufPath ?? memoryPath ?? "";
}

/** Whether `gc` took its files away, or somebody else. */
export function isAbsent({ root }: WorkspacePaths, adapter: AdapterPaths): boolean {
  return !existsSync(join(root, mainPath(adapter)));
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
  adapter: AdapterPaths & { readonly weights: string | null },
): Promise<Map<string, string | null>> {
  const { sha256, weights, ggufPath, peftPath, memoryPath } = adapter;
  const files = new Map<string, string | null>();
  const homes = partsOf(adapter).map((path) => jobFolder(paths, path));
  const peft = peftPath === null || isWholeModel(adapter) ? null : peftPath;
  const folders = [...homes, peft && join(paths.root, peft)];
  for (const folder of new Set(folders.filter((each) => each !== null))) {
    const from = relative(paths.root, folder);
    for (const path of await filesBelow(folder, [checkpointName]))
      files.set(join(from, path), null);
  }
  if (memoryPath !== null) files.set(join(memoryPath), sha256);
  if (ggufPath === null) return files;
  files.set(join(ggufPath), weights);
  if (peft === null) return files;
  const tensors = join(peft, weightsName);
  const recorded = await recordedPeft(join(paths.root, dirname(ggufPath), "manifest.json"));
  if (files.has(tensors) || recorded !== null) files.set(tensors, recorded);
  return files;
}
