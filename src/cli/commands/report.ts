import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";
import { writeReport } from "../write-report.js";
import { writeStudyReport } from "../write-study-report.js";

/** `redistill report [id]`: the report of a run or of a study, finished or not, shown and written again. */
export async function reportCommand(
  id: string | undefined,
  flags: { markdown?: boolean; html?: boolean; times?: boolean },
  { workspace, output }: { workspace: Workspace; output: Output },
): Promise<void> {
  await withStore(workspace, async (store) => {
    const show = flags.html ? "html" : flags.markdown ? "markdown" : "terminal";
    if (id !== undefined && store.runs.find(id) === null && store.studies.find(id) !== null) {
      await writeStudyReport(store, id, workspace, output, { show, times: flags.times ?? false });
      return;
    }
    const run = findRun(store, id);
    await writeReport(store, run.id, workspace, output, show);
  });
}
