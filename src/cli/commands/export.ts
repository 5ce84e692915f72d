import { relative, resolve } from "node:path";
import { RedistillError } from "../../core/errors.js";
import type { AdapterRow } from "../../core/round.js";
import { defaultWeights } from "../../setup/weights.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import type { MergedType } from "../../training/export.js";
import { chooseAdapter, openCandidate } from "../adapters.js";
import { copyVerified, readRecord, requireUsableFolder, writeFolder } from "../export-files.js";
import { memoryFiles } from "../export-memory.js";
import { exportReadme, trainingSet } from "../export-text.js";
import { type Merged, mergeable, writeMerged } from "../merged.js";
import { mergedLines } from "../merged-text.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { promptsFrom } from "../prompts.js";
import { findRun, withStore } from "../reading.js";

export interface ExportFlags {
  readonly adapter?: string;
  readonly output?: string;
  readonly force?: boolean;
  readonly merged?: MergedType;
}

interface ExportOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Replaceable in tests. */
  readonly mergeable?: typeof mergeable;
  readonly writeMerged?: typeof writeMerged;
}

/** `redistill export [run]`: the adapter in both formats, its training set, where it is from; and merged weights. */
export async function exportCommand(
  runId: string | undefined,
  flags: ExportFlags,
  options: ExportOptions,
): Promise<void> {
  const { workspace, output, signal } = options;
  await withStore(workspace, async (store) => {
    const run = findRun(store, runId);
    const row = adapterToExport(store, run, flags.adapter);
    const target = resolve(workspace.root, flags.output ?? `exports/${run.id}`);
    await requireUsableFolder(target, flags.force ?? false);
    if (flags.merged && row.weights === null) {
      throw new RedistillError(
        "state",
        `${row.sha256.slice(0, 12)} is a memory alone: no weights were trained that could be merged`,
        "Export it without --merged.",
      );
    }
    const base = flags.merged
      ? await (options.mergeable ?? mergeable)(run, flags.merged, target, options)
      : null;
    const { weights, memory } = await openCandidate(row, workspace, signal);
    const record = weights && (await readRecord(weights.ggufPath));
    const round = roundOf(store, run, row);
    const examples = store.rounds.examples.of(run.id, round);
    let merged = null as Merged | null;
    await writeFolder(target, async (folder) => {
      if (weights && record) await copyVerified({ ...weights, record, folder });
      if (base !== null && weights) {
        const what = { base, adapter: weights, type: flags.merged! };
        merged = await (options.writeMerged ?? writeMerged)(folder, what, options);
      }
      return {
        ...(memory === null ? {} : memoryFiles(promptsFrom(store.runs.prompts(run.id)), memory)),
        ...(row.memory === null ? {} : { "memory.json": row.memory }),
        "training-set.jsonl": trainingSet(examples),
        "README.md": exportReadme({
          run,
          adapter: row,
          round,
          decision: store.rounds.decision(run.id, round),
          examples: examples.length,
          baseSha256: run.modelSha256,
          baseName: run.modelSha256 === defaultWeights.sha256 ? defaultWeights.name : null,
          peftSha256: record?.peftSha256 ?? null,
          merged,
        }),
      };
    });
    const shown = relative(workspace.root, target) || target;
    output.result({
      ...{ kind: "export", run: run.id, adapter: row.sha256, round, path: target },
      ...(merged && { merged }),
    });
    output.line(
      `Exported adapter ${row.sha256.slice(0, 12)} of ${run.id}, round ${round}, to ${shown}`,
    );
    output.line(`${examples.length} training examples; README.md says how to load the adapter.`);
    if (merged) for (const line of mergedLines(merged, shown)) output.line(line);
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
