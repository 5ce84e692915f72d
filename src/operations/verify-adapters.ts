import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../core/errors.js";
import { sha256 as hashOfText } from "../core/hash.js";
import type { AdapterRow } from "../core/round.js";
import { hashFile } from "../setup/digest.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { adapterFiles, isAbsent, partsOf } from "./adapter-files.js";
import { isWithin } from "./files.js";
import type { Problem } from "./problem.js";
import type { WorkspacePaths } from "./workspace.js";

const putBack =
  "Put the file of a backup back (`redistill restore <folder>`, or copy it by hand); the adapter is not used as it is.";

interface Checked {
  readonly adapters: number;
  readonly collected: number;
  readonly problems: readonly Problem[];
}

/** Reads and hashes the files of every adapter of some runs. */
export async function adapterProblems(
  paths: WorkspacePaths,
  store: Store,
  runs: readonly RunRow[],
  { signal, onProgress }: { signal: AbortSignal; onProgress(text: string): void },
): Promise<Checked> {
  const owners = new Map<string, string>();
  for (const { id, incumbent } of runs) {
    const used = store.rounds.all(id).flatMap((round) => [round.candidate, round.incumbent]);
    for (const sha256 of [...used, incumbent]) {
      if (sha256 !== null && !owners.has(sha256)) owners.set(sha256, id);
    }
  }
  const gone = store.housekeeping.collected();
  const problems: Problem[] = [];
  let collected = 0;
  for (const [sha256, run] of owners) {
    const row = store.adapters.find(sha256);
    if (row === null) {
      const what = `Run ${run} names adapter ${sha256.slice(0, 12)}, which has no row.`;
      problems.push({ run, what, todo: "Restore a backup (`redistill restore <folder>`)." });
    } else if (gone.has(sha256) && isAbsent(paths, row)) {
      collected++;
    } else {
      onProgress(`reading adapter ${sha256.slice(0, 12)}`);
      for (const what of await wrongFiles(paths, row, signal)) {
        problems.push({
          run,
          what: `Adapter ${sha256.slice(0, 12)} of ${run}: ${what}.`,
          todo: putBack,
        });
      }
    }
  }
  return { adapters: owners.size - collected, collected, problems };
}

async function wrongFiles(
  paths: WorkspacePaths,
  row: AdapterRow,
  signal: AbortSignal,
): Promise<string[]> {
  if (!partsOf(row).every((path) => isWithin(paths.root, join(paths.root, path)))) {
    return [`its files lie outside the workspace, at ${partsOf(row)[0]}`];
  }
  const wrong: string[] = [];
  for (const [path, expected] of await adapterFiles(paths, row)) {
    if (expected === null) continue;
    try {
      const actual = await hashFile(join(paths.root, path), signal);
      if (actual === expected) continue;
      wrong.push(
        `${path} was cut off or changed (sha256 ${actual.slice(0, 12)}…, expected ${expected.slice(0, 12)}…)`,
      );
    } catch (error) {
      signal.throwIfAborted();
      wrong.push(`${path} cannot be read (${messageOf(error)})`);
    }
  }
  if (row.memory !== null && hashOfText(row.memory) !== row.sha256) {
    wrong.push("what the database says that it remembers is not what its file holds");
  }
  return [...wrong, ...(await wrongRecord(paths, row))];
}

/** What the trainer wrote down must agree with the row, which was made from it. */
async function wrongRecord({ root }: WorkspacePaths, row: AdapterRow): Promise<string[]> {
  if (row.ggufPath === null) return [];
  const path = join(dirname(row.ggufPath), "manifest.json");
  const text = await readFile(join(root, path), "utf8").catch(() => null);
  // Other trainers than ours write none.
  if (text === null) return [];
  try {
    const record = JSON.parse(text);
    const agrees =
      record.gguf_sha256 === row.weights &&
      (record.tokens ?? row.tokens) === row.tokens &&
      (record.seconds ?? row.seconds) === row.seconds &&
      (record.final_loss === undefined || record.final_loss === row.finalLoss);
    return agrees ? [] : [`${path} does not say what the database says of this adapter`];
  } catch (error) {
    return [`${path} cannot be read (${messageOf(error)})`];
  }
}
