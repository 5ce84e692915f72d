import { relative, resolve } from "node:path";
import { RedistillError } from "../../core/errors.js";
import type { AdapterRow } from "../../core/round.js";
import { defaultWeights } from "../../setup/weights.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { chooseAdapter, verifiedAdapter } from "../adapters.js";
import { copyVerified, readRecord, requireUsableFolder, writeFolder } from "../export-files.js";
import { exportReadme, trainingSet } from "../export-text.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";

export interface ExportFlags {
  readonly adapter?: string;
  readonly output?: string;
  readonly force?: boolean;
}

/** `redistill export [run]`: the adapter in both formats, its training set, and where it is from. */
export async function exportCommand(
  runId: string | undefined,
  flags: ExportFlags,
  { workspace, output, signal }: { workspace: Workspace; output: Output; signal: AbortSignal },
): Promise<void> {
  await withStore(workspace, async (store) => {
    const run = findRun(store, runId);
    const row = adapterToExport(store, run, flags.adapter);
    const target = resolve(workspace.root, flags.output ?? `exports/${run.id}`);
    await requireUsableFolder(target, flags.force ?? false);
    const { ggufPath, peftPath } = await verifiedAdapter(row, workspace, signal);
    const record = await readRecord(ggufPath);
    const round = roundOf(store, run, row);
    const examples = store.rounds.examples.of(run.id, round);
    await writeFolder(target, async (folder) => {
      await copyVerified({ ggufPath, peftPath, sha256: row.sha256, record, folder });
      return {
        "training-set.jsonl": trainingSet(examples),
        "README.md": exportReadme({
          run,
          adapter: row,
          round,
          decision: store.rounds.decision(run.id, round),
          examples: examples.length,
          baseSha256: run.modelSha256,
          baseName: run.modelSha256 === defaultWeights.sha256 ? defaultWeights.name : null,
          peftSha256: record.peftSha256,
        }),
      };
    });
    const shown = relative(workspace.root, target) || target;
    output.result({ kind: "export", run: run.id, adapter: row.sha256, round, path: target });
    output.line(
      `Exported adapter ${row.sha256.slice(0, 12)} of ${run.id}, round ${round}, to ${shown}`,
    );
    output.line(`${examples.length} training examples; README.md says how to load the adapter.`);
  });
}

export function adapterToExport(store: Store, run: RunRow, wanted = "incumbent"): AdapterRow {
  const row = chooseAdapter(store, run, wanted);
  if (row) return row;
  throw new RedistillError(
    wanted === "base" ? "usage" : "state",
    wanted === "base"
      ? "the base weights are no adapter"
      : `run ${run.id} has promoted no adapter; there is nothing to export`,
    run.state === "finished" || wanted === "base"
      ? `\`redistill status ${run.id}\` shows its candidates; export a rejected one with --adapter <sha256>.`
      : `Let it go on with \`redistill resume ${run.id}\`, or export a candidate with --adapter <sha256>.`,
  );
}

/** The round of this run in which the adapter was the candidate: its training set is that round's. */
export function roundOf(store: Store, run: RunRow, row: AdapterRow): number {
  const found = store.rounds.all(run.id).find(({ candidate }) => candidate === row.sha256);
  if (found) return found.number;
  throw new RedistillError(
    "usage",
    `adapter ${row.sha256.slice(0, 12)} is not of run ${run.id}`,
    "Name the run that trained it: redistill export <run> --adapter <sha256>.",
  );
}
