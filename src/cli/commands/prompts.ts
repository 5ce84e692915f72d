import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { RedistillError } from "../../core/errors.js";
import type { Prompt } from "../../core/prompt.js";
import { findPrompt, type PromptFile, promptFiles } from "../../prompts/library.js";
import { parsePrompt } from "../../prompts/load.js";
import type { Output } from "../output.js";
import { packagedPrompts, type Workspace } from "../paths.js";
import { promptDirectories } from "../prompts.js";
import { tableLines } from "../table.js";

export interface PromptsOptions {
  readonly workspace: Workspace;
  readonly output: Output;
}

/** `redistill prompts list`: all that a recipe could name. A file that cannot be read is listed as that. */
export function promptsListCommand({ workspace, output }: PromptsOptions): void {
  const listed = promptFiles(promptDirectories(workspace)).map((file) => {
    const { stage, name, path } = file;
    const from = isPackaged(path) ? "package" : "workspace";
    const prompt = readable(file);
    if (typeof prompt === "string") return { stage, name, path, from, problem: prompt };
    const { version, parent, source, variables, output: says } = prompt;
    return { stage, name, path, from, version, parent, source, variables, output: says };
  });
  output.result({ kind: "prompts", prompts: listed });
  const rows = listed.map((each) =>
    "problem" in each
      ? [`${each.stage}/${each.name}`, "-", each.from, each.problem as string]
      : [
          `${each.stage}/${each.name}`,
          each.version as string,
          each.from,
          each.source ?? "no source given",
        ],
  );
  for (const line of tableLines([["prompt", "version", "from", "source"], ...rows])) {
    output.line(line);
  }
}

const isPackaged = (path: string) => path.startsWith(packagedPrompts);

function readable({ stage, path, body }: PromptFile): Prompt | string {
  try {
    return parsePrompt(stage, path, body);
  } catch (error) {
    if (error instanceof RedistillError) return error.message;
    throw error;
  }
}

/** `redistill prompts show <stage/name>`: the file as it is, and where it lies. */
export function promptsShowCommand(named: string, { workspace, output }: PromptsOptions): void {
  const file = findPrompt(promptDirectories(workspace), named);
  const { stage, name, path, body } = file;
  const { version, parent, source, variables, output: says } = parsePrompt(stage, path, body);
  const about = { stage, name, path, version, parent, source, variables, output: says };
  output.result({ kind: "prompt", ...about, body });
  output.note(path);
  output.line(body.trimEnd());
}

/** `redistill prompts diff <a> <b>`: what would have to change in the first to make it the second. */
export function promptsDiffCommand(
  first: string,
  second: string,
  { workspace, output }: PromptsOptions,
): void {
  const directories = promptDirectories(workspace);
  const [before, after] = [findPrompt(directories, first), findPrompt(directories, second)];
  const same = before.body === after.body;
  const patch = same
    ? ""
    : createTwoFilesPatch(first, second, before.body, after.body, undefined, undefined, {
        context: 3,
        headerOptions: FILE_HEADERS_ONLY,
      });
  output.result({ kind: "prompt-diff", first: before.path, second: after.path, same, patch });
  output.line(same ? `${first} and ${second} are the same.` : patch.trimEnd());
}
