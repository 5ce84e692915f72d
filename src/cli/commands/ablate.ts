import { existsSync } from "node:fs";
import type { Store } from "../../store/store.js";
import type { StudyRow } from "../../store/studies.js";
import { loadStudy } from "../../studies/load.js";
import type { Output } from "../output.js";
import { promptReader } from "../prompts.js";
import { openForReading } from "../reading.js";
import { type CheckedStudy, checkStudy, createStudy, refuseOtherStudy } from "../studies.js";
import { showPlan } from "../study-plan.js";
import { workOnStudy } from "../study-work.js";
import type { RunOptions } from "../work.js";
import { writeStudyReport } from "../write-study-report.js";
import { withWritableStore } from "./run.js";

/**
 * `redistill ablate <study>`: a new study of a file, or the unfinished one of exactly this file; with the id of a
 * study that is there, that one as it began, whatever was edited since.
 */
export async function ablateCommand(
  study: string,
  flags: { dryRun?: boolean; new?: boolean },
  options: RunOptions,
): Promise<void> {
  const known = existsSync(study) ? null : existing(study, options);
  if (known?.finishedAt) {
    options.output.line(`Study ${known.id} has finished; nothing is left to do.`);
    options.output.line(`Its report: redistill report ${known.id}`);
    return;
  }
  if (known) {
    const together = known.spec.together ?? 1;
    await withWritableStore(options, (store) => through(store, known, options, together));
    return;
  }
  const { output, workspace } = options;
  const { spec, recipe } = loadStudy(study);
  const checked = await checkStudy(spec, recipe, promptReader(workspace));
  if (flags.dryRun) {
    reading(options, (store) => showPlan(checked, store?.spend.pace() ?? null, output));
    return;
  }
  await withWritableStore(options, async (store) => {
    showPlan(checked, store.spend.pace(), output);
    // As the file says now: how many are worked on at once is no part of what the study is.
    await through(store, started(store, checked, flags, output), options, spec.together ?? 1);
  });
}

/** To the end and its report. */
async function through(
  store: Store,
  study: StudyRow,
  options: RunOptions,
  together: number,
): Promise<void> {
  await workOnStudy(store, study, options, together);
  options.output.close();
  await writeStudyReport(store, study.id, options.workspace, options.output);
}

function started(
  store: Store,
  checked: CheckedStudy,
  flags: { new?: boolean },
  output: Output,
): StudyRow {
  const unfinished = flags.new ? null : store.studies.unfinished(checked.hash);
  if (unfinished === null && !flags.new) refuseOtherStudy(store, checked.spec.name);
  const study = unfinished ?? createStudy(store, checked);
  output.line(`\n${unfinished ? "Going on with" : "Starting"} study ${study.id}`);
  return study;
}

function existing(id: string, options: RunOptions): StudyRow | null {
  return reading(options, (store) => store?.studies.find(id) ?? null);
}

function reading<T>({ workspace }: RunOptions, use: (store: Store | null) => T): T {
  const store = openForReading(workspace);
  try {
    return use(store);
  } finally {
    store?.close();
  }
}
