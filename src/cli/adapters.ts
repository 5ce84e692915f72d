import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Adapter, Candidate } from "../core/entities.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { sha256 as hashOfText } from "../core/hash.js";
import { type AdapterRow, candidateOf } from "../core/round.js";
import { staysInside } from "../core/safe-names.js";
import { hashFile } from "../setup/digest.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Workspace } from "./paths.js";

/** The adapter that `--adapter` names: `incumbent`, `base` (null), or the beginning of a sha256. */
export function chooseAdapter(store: Store, run: RunRow, wanted: string): AdapterRow | null {
  if (wanted === "base") return null;
  if (wanted === "incumbent") {
    return run.incumbent === null ? null : store.adapters.find(run.incumbent);
  }
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) {
    throw new RedistillError(
      "usage",
      `--adapter ${wanted}: neither base nor incumbent nor the beginning of a sha256`,
      "Give 4 or more of its hexadecimal digits; `redistill status <run>` shows them.",
    );
  }
  // Another model's adapter would not fit these weights.
  const found = store.adapters
    .byPrefix(wanted)
    .filter(({ modelDigest }) => modelDigest === run.modelDigest);
  if (found.length === 1) return found[0]!;
  throw new RedistillError(
    "usage",
    found.length === 0
      ? `no adapter of run ${run.id}'s model begins with ${wanted}`
      : `${found.length} adapters begin with ${wanted}`,
    found.length === 0
      ? "`redistill status <run>` shows the adapters of a run."
      : `Give more digits: ${found.map(({ sha256 }) => sha256.slice(0, 16)).join(", ")}.`,
  );
}

/** A candidate with its files, after they were read and found to be what the round made. */
export async function openCandidate(
  row: AdapterRow,
  workspace: Workspace,
  signal?: AbortSignal,
): Promise<Candidate> {
  if (row.ggufPath !== null) await verifiedAdapter(row, workspace, signal);
  const memory = row.memoryPath === null ? null : await readMemory(row, row.memoryPath, workspace);
  return candidateOf({ ...row, memory }, (path) => join(workspace.root, path));
}

/** The weights on disk, after their GGUF file was read and found to be the one that was trained. */
export async function verifiedAdapter(
  row: AdapterRow,
  workspace: Workspace,
  signal?: AbortSignal,
): Promise<Adapter> {
  const { weights } = candidateOf({ ...row, memory: null }, (path) => join(workspace.root, path));
  if (weights === null) {
    throw new RedistillError(
      "usage",
      `adapter ${row.sha256.slice(0, 12)} has no weights: what it learned is a memory in the prompt`,
      "`redistill export` writes the memory.",
    );
  }
  requireOwnFiles(row, workspace);
  const actual = await hashFile(weights.ggufPath, signal).catch((cause) => {
    signal?.throwIfAborted();
    throw unreadable(row, cause);
  });
  requireHash(weights.ggufPath, actual, weights.sha256);
  return weights;
}

async function readMemory(row: AdapterRow, path: string, workspace: Workspace): Promise<string> {
  requireOwnFiles(row, workspace);
  const file = join(workspace.root, path);
  const text = await readFile(file, "utf8").catch((cause) => {
    throw unreadable(row, cause);
  });
  requireHash(file, hashOfText(text), row.sha256);
  return text;
}

function unreadable({ sha256 }: AdapterRow, cause: unknown): RedistillError {
  return new RedistillError(
    "model",
    `adapter ${sha256.slice(0, 12)} cannot be read: ${messageOf(cause)}`,
    "Run the command in the folder in which the run was made, or put the file back.",
    { cause },
  );
}

function requireHash(path: string, actual: string, expected: string): void {
  if (actual === expected) return;
  throw new RedistillError(
    "model",
    `${path} is not the adapter that was trained: its sha256 is ${actual.slice(0, 12)}…, expected ${expected.slice(0, 12)}…`,
    "It was cut off or changed: put a copy of the file back.",
  );
}

/** Neither a row of a foreign database nor a link may pass off another file as an adapter's. */
function requireOwnFiles(row: AdapterRow, workspace: Workspace): void {
  for (const path of [row.ggufPath, row.peftPath, row.memoryPath]) {
    if (path === null) continue;
    if (staysInside(path) && leadsInto(workspace.adapters, join(workspace.root, path))) continue;
    throw new RedistillError(
      "model",
      `adapter ${row.sha256.slice(0, 12)}: ${JSON.stringify(path.slice(0, 200))} is not in the folder of the adapters`,
      "The database or a link in that folder was changed: restore a copy. Nothing was read from there.",
    );
  }
}

/** What is not there leads nowhere else; whoever reads it says so. */
function leadsInto(folder: string, path: string): boolean {
  try {
    return realpathSync(path).startsWith(`${realpathSync(folder)}${sep}`);
  } catch {
    return true;
  }
}
