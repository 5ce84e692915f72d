import { existsSync, renameSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { References } from "../store/snapshot.js";
import type { Store } from "../store/store.js";
import { checkpointName, jobFolder, mainPath, partsOf } from "./adapter-files.js";
import { bytesAt } from "./files.js";
import type { Garbage } from "./garbage.js";
import type { WorkspacePaths } from "./workspace.js";

/** Where folders are moved before they are deleted: half of one is never taken for an adapter. */
const trashName = ".collected";

export interface AdapterGarbageOptions {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  /** What other databases of this workspace speak of: they share the folder of adapters. */
  readonly others: readonly References[];
  readonly now: Date;
  /** Rejected candidates older than so many days; null leaves them all. */
  readonly rejectedDays: number | null;
}

/** Job folders that no row speaks of, checkpoints of finished jobs, and rejected candidates if wanted. */
export async function adapterGarbage(options: AdapterGarbageOptions): Promise<Garbage[]> {
  const { paths } = options;
  const names = await readdir(paths.adapters, { withFileTypes: true }).catch(() => []);
  const found: Garbage[] = [];
  for (const entry of names) {
    if (!entry.isDirectory()) continue;
    const folder = join(paths.adapters, entry.name);
    const item = entry.name === trashName ? await trash(folder) : await job(options, folder);
    found.push(...item, ...(await checkpoints(options, folder)));
  }
  found.push(...(await rejectedCandidates(options)));
  return found;
}

async function trash(folder: string): Promise<Garbage[]> {
  const take = async () => {
    await rm(folder, { recursive: true, force: true });
    return true;
  };
  const why = "an earlier gc was cut off while it deleted it";
  return [{ kind: "job", what: folder, why, bytes: await bytesAt(folder), take }];
}

/** A training that no adapter came of, for weights that no unfinished run has. */
async function job(options: AdapterGarbageOptions, folder: string): Promise<Garbage[]> {
  const { paths, store } = options;
  const model = await modelOf(folder);
  const needed = () => isReferenced(options, folder) || isWanted(options, model);
  if (needed()) return [];
  return [
    {
      kind: "job",
      what: relative(paths.root, folder),
      why: "a training that no adapter in the database came of, and no unfinished run can go on with",
      bytes: await bytesAt(folder),
      take: () => removeUnless(paths, store, folder, needed),
    },
  ];
}

/** The sha256 of the weights that a job trains; null where it cannot be read. */
async function modelOf(folder: string): Promise<string | null> {
  try {
    const { model_sha256 } = JSON.parse(await readFile(join(folder, "job.json"), "utf8"));
    return typeof model_sha256 === "string" ? model_sha256 : null;
  } catch {
    return null;
  }
}

function isReferenced({ paths, store, others }: AdapterGarbageOptions, folder: string): boolean {
  return [...store.housekeeping.adapterPaths(), ...others.flatMap(({ adapters }) => adapters)].some(
    (adapter) => partsOf(adapter).some((path) => jobFolder(paths, path) === folder),
  );
}

/** A job whose weights are not known may be anybody's. */
function isWanted({ store, others }: AdapterGarbageOptions, model: string | null): boolean {
  const unfinished = [
    ...store.housekeeping.unfinishedModels(),
    ...others
      .flatMap(({ runs }) => runs)
      .filter(({ state }) => state !== "finished")
      .map(({ modelSha256 }) => modelSha256),
  ];
  return model === null ? unfinished.length > 0 : unfinished.includes(model);
}

/** Nobody can begin a run between the question and the move: both are in one write transaction. */
async function removeUnless(
  { adapters }: WorkspacePaths,
  store: Store,
  folder: string,
  needed: () => boolean,
  mark: () => void = () => {},
): Promise<boolean> {
  const trashFolder = join(adapters, trashName);
  await mkdir(trashFolder, { recursive: true });
  const away = join(trashFolder, `${basename(folder)}-${process.pid}`);
  const moved = store.transaction(() => {
    if (needed()) return false;
    mark();
    if (existsSync(folder)) renameSync(folder, away);
    return true;
  });
  await rm(trashFolder, { recursive: true, force: true });
  return moved;
}

/** What a killed trainer left beside an adapter that is finished. */
async function checkpoints(options: AdapterGarbageOptions, folder: string): Promise<Garbage[]> {
  const { paths, store } = options;
  const trained = store.housekeeping.adapterPaths().flatMap(({ ggufPath }) => ggufPath ?? []);
  const outputs = trained
    .filter((path) => jobFolder(paths, path) === folder)
    .map((path) => dirname(join(paths.root, path)));
  const found: Garbage[] = [];
  // Weights may stand beside several memories.
  for (const output of new Set(outputs)) {
    if (!existsSync(join(output, "manifest.json"))) continue;
    for (const name of await readdir(output).catch(() => [])) {
      if (name !== checkpointName && !/^\..*\.(tmp|old)$/.test(name)) continue;
      const path = join(output, name);
      found.push({
        kind: "checkpoint",
        what: relative(paths.root, path),
        why: "a way back into a training that is finished",
        bytes: await bytesAt(path),
        take: async () => {
          await rm(path, { recursive: true, force: true });
          return true;
        },
      });
    }
  }
  return found;
}

async function rejectedCandidates(options: AdapterGarbageOptions): Promise<Garbage[]> {
  const { paths, store, others, now, rejectedDays } = options;
  if (rejectedDays === null) return [];
  const before = new Date(now.getTime() - rejectedDays * 86_400_000).toISOString();
  const elsewhere = new Set(
    others
      .flatMap(({ adapters }) => adapters)
      .filter(({ collected }) => !collected)
      .map(({ sha256 }) => sha256),
  );
  const candidates = () =>
    store.housekeeping.rejected(before).filter(({ sha256 }) => !elsewhere.has(sha256));
  const found: Garbage[] = [];
  for (const { decidedAt, ...adapter } of candidates()) {
    const { sha256 } = adapter;
    const folder = jobFolder(paths, mainPath(adapter));
    if (folder === null || !existsSync(folder)) continue;
    const known = [
      ...store.housekeeping.adapterPaths(),
      ...others.flatMap(({ adapters }) => adapters),
    ];
    const shared = known.some(
      (row) => row.sha256 !== sha256 && jobFolder(paths, mainPath(row)) === folder,
    );
    if (shared) continue;
    const needed = () => !candidates().some((row) => row.sha256 === sha256);
    const mark = () => store.housekeeping.markCollected(sha256, now.toISOString());
    found.push({
      kind: "rejected",
      what: `${relative(paths.root, folder)} (adapter ${sha256.slice(0, 12)})`,
      why: `a candidate that was rejected on ${decidedAt.slice(0, 10)}; its row and figures stay`,
      bytes: await bytesAt(folder),
      take: () => removeUnless(paths, store, folder, needed, mark),
    });
  }
  return found;
}
