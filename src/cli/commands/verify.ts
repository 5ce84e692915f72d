import { exitCodes } from "../../core/errors.js";
import { verify } from "../../operations/verify.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";

/** `redistill verify [run]`: exit code 0 when all is well, 4 with each problem as a sentence. */
export async function verifyCommand(
  runId: string | undefined,
  { workspace, output, signal }: { workspace: Workspace; output: Output; signal: AbortSignal },
): Promise<void> {
  await withStore(workspace, async (store) => {
    const runs = runId === undefined ? store.runs.all() : [findRun(store, runId)];
    const options = { signal, onProgress: output.live };
    const result = await verify(workspace, store, runs, options).finally(output.close);
    const { problems, adapters, collected, seconds } = result;
    output.result({ kind: "verify", ok: problems.length === 0, ...result });
    for (const { what, todo } of problems) output.line(`${what}\n  ${todo}`);
    const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
    const gone = collected === 0 ? "" : ` (${collected} more were collected by gc)`;
    const looked = `${count(runs.length, "run")}, ${count(adapters, "adapter")}${gone}, ${seconds.toFixed(1)} s`;
    if (problems.length === 0) {
      output.line(`All is well: database, files, and what follows from what (${looked}).`);
      return;
    }
    output.line(`${count(problems.length, "problem")} (${looked}).`);
    process.exitCode = exitCodes.storage;
  });
}
