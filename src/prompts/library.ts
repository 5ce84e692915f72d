import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { RedistillError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import { promptName } from "../core/prompt.js";
import { readTextFile } from "../files/read-text.js";
import { readPromptFile } from "./load.js";
import { type PromptStage, promptStages } from "./stages.js";

/** A prompt's file: its stage is its folder, its name that of the file without `.md`. */
export interface PromptFile {
  readonly stage: string;
  readonly name: string;
  readonly path: string;
  readonly body: string;
}

/** All prompts that a recipe could name; a file that an earlier directory has too is left out. */
export function promptFiles(directories: readonly string[]): PromptFile[] {
  return promptStages.flatMap((stage) => {
    const found = new Map<string, string>();
    for (const directory of directories) {
      for (const name of namesIn(join(directory, stage))) {
        if (!found.has(name)) found.set(name, join(directory, stage, `${name}.md`));
      }
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => promptFileAt(path));
  });
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".md"));
  return files.map((file) => file.slice(0, -".md".length));
}

/** @throws RedistillError `usage` for a file that is not there or no text. */
export function promptFileAt(path: string): PromptFile {
  const whole = resolve(path);
  const name = basename(whole).replace(/\.md$/, "");
  return { stage: basename(dirname(whole)), name, path, body: readTextFile(path, "prompt") };
}

/**
 * The prompt that a user named: `<stage>/<name>`, or the path of a file that ends with `.md`.
 *
 * @throws RedistillError `usage` for anything else, with the nearest that there is.
 */
export function findPrompt(directories: readonly string[], text: string): PromptFile {
  if (text.endsWith(".md")) return promptFileAt(text);
  const { stage, name } = parseReference(text);
  return { stage, name, ...readPromptFile(directories, stage, name) };
}

/** Stage and name of `<stage>/<name>`. */
export function parseReference(text: string): { stage: PromptStage; name: string } {
  const [stage = "", name = "", ...rest] = text.split("/");
  const known = promptStages.find((each) => each === stage);
  if (known !== undefined && rest.length === 0 && promptName.safeParse(name).success) {
    return { stage: known, name };
  }
  const close = known === undefined ? nearest(stage, promptStages) : null;
  throw new RedistillError(
    "usage",
    known === undefined
      ? `${text}: no prompt's stage is called ${stage === "" ? "nothing" : stage}`
      : `${text}: a prompt's name has a-z, 0-9 and -`,
    `${close ? `Did you mean ${close}? ` : ""}Give <stage>/<name>, as critique/locate-error; stages are ${promptStages.join(", ")}.`,
  );
}
