import { resolve } from "node:path";
import { exitCodes } from "../../core/errors.js";
import { isWritten } from "../../core/variant.js";
import { committedText } from "../../prompts/committed.js";
import { type PromptFile, promptFileAt, promptFiles } from "../../prompts/library.js";
import { type EarlierPrompt, lintPrompts } from "../../prompts/lint.js";
import { packagedPrompts, type Workspace } from "../paths.js";
import { promptDirectories } from "../prompts.js";
import { openForReading } from "../reading.js";
import type { PromptsOptions } from "./prompts.js";

/**
 * `redistill prompts lint [files]`: exit code 0 when nothing is wrong, 2 with each problem as a
 * sentence. Without files all that a recipe could name.
 */
export function promptsLintCommand(
  paths: readonly string[],
  { workspace, output }: PromptsOptions,
): void {
  const known = promptFiles(promptDirectories(workspace));
  const files = paths.length === 0 ? known : paths.map(promptFileAt);
  const problems = lintPrompts(files, known, [...earlierFiles(files), ...ofRuns(workspace)]);
  output.result({ kind: "prompt-lint", ok: problems.length === 0, files: files.length, problems });
  for (const { path, message } of problems) output.line(`${path}: ${message}`);
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const looked = count(files.length, "prompt");
  if (problems.length === 0) {
    output.line(`Nothing is wrong with ${looked}.`);
    return;
  }
  output.line(`${count(problems.length, "problem")} in ${looked}.`);
  process.exitCode = exitCodes.usage;
}

/** The packaged file that a file stands in for, and what was last committed in its place. */
function earlierFiles(files: readonly PromptFile[]): EarlierPrompt[] {
  const packaged = promptFiles([packagedPrompts]);
  return files.flatMap(({ stage, name, path }) => {
    const shadowed = packaged.find((each) => each.stage === stage && each.name === name);
    const other = shadowed !== undefined && resolve(shadowed.path) !== resolve(path);
    const committed = committedText(resolve(path));
    return [
      ...(other ? [{ stage, name, body: shadowed.body, whence: "the packaged prompt" }] : []),
      ...(committed === null
        ? []
        : [{ stage, name, body: committed, whence: "what is committed" }]),
    ];
  });
}

function ofRuns(workspace: Workspace): EarlierPrompt[] {
  const store = openForReading(workspace);
  if (store === null) return [];
  try {
    const files = store.runs.allPrompts().filter(({ name }) => !isWritten(name));
    return files.map(({ stage, name, body, runId }) => ({
      stage,
      name,
      body,
      whence: `that of run ${runId}`,
    }));
  } finally {
    store.close();
  }
}
