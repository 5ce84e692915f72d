import { dirname } from "node:path";
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
    const from = dirname(dirname(file.path)) === packagedPrompts ? "package" : "workspace";
    const called = `${file.stage}/${file.name}`;
    const prompt = readable(file);
    const { stage, name, path } = file;
    if (typeof prompt === "string") {
      return {
        row: [called, "-", from, prompt],
        told: { stage, name, path, from, problem: prompt },
      };
    }
    const { version, source } = prompt;
    return {
      row: [called, version, from, source ?? "no source given"],
      told: { ...about(file, prompt), from },
    };
  });
  output.result({ kind: "prompts", prompts: listed.map(({ told }) => told) });
  const rows = [["prompt", "version", "from", "source"], ...listed.map(({ row }) => row)];
  for (const line of tableLines(rows)) output.line(line);
}

/** What machines are told of a prompt, beside its text. */
function about({ stage, name, path }: PromptFile, prompt: Prompt) {
  const { version, parent, source, variables, output } = prompt;
  return { stage, name, path, version, parent, source, variables, output };
}

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
  const { stage, path, body } = file;
  const prompt = parsePrompt(stage, path, body);
  output.result({ kind: "prompt", ...about(file, prompt), body });
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
