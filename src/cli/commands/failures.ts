import { clustersWanted } from "../../core/cluster.js";
import { clusterItems, readClusters, terminalStyle } from "../../report/index.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";

/** `redistill failures [run]`: wrong answers grouped by what went wrong, with an example each. Reads only. */
export async function failuresCommand(
  runId: string | undefined,
  { workspace, output }: { workspace: Workspace; output: Output },
): Promise<void> {
  await withStore(workspace, (store) => {
    const run = findRun(store, runId);
    const clusters = readClusters(store, run.id);
    output.result({ kind: "failures", run: run.id, clusters });
    if (clusters.length === 0) {
      output.line(
        clustersWanted(run.recipe) === null
          ? `${run.id} does not group its failures. Set \`clusters: {}\` in its recipe, then: redistill run <recipe> --new`
          : `${run.id} has no failures yet.`,
      );
      return;
    }
    for (const { text, details } of clusterItems({ clusters }, terminalStyle, clusters.length)) {
      output.line(text);
      for (const detail of details) output.line(`    ${detail}`);
    }
  });
}
