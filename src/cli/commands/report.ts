import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";
import { writeReport } from "../write-report.js";

/** `redistill report [run]`: the report of a run, finished or not, shown and written again. */
export async function reportCommand(
  runId: string | undefined,
  flags: { markdown?: boolean; html?: boolean },
  { workspace, output }: { workspace: Workspace; output: Output },
): Promise<void> {
  await withStore(workspace, async (store) => {
    const run = findRun(store, runId);
    const show = flags.html ? "html" : flags.markdown ? "markdown" : "terminal";
    await writeReport(store, run.id, workspace, output, show);
  });
}
