import { z } from "zod";
import type { Message } from "./entities.js";
import { RedistillError } from "./errors.js";
import type { PromptOutput } from "./prompt-output.js";

/** A prompt's name in a recipe: that of its file, without `.md`. */
export const promptName = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "a prompt's name has a-z, 0-9 and -");

/** A prompt file, parsed: who it is, and its messages with `{{variables}}` still open. */
export interface Prompt {
  readonly stage: string;
  readonly name: string;
  readonly version: string;
  /** sha256 of the whole file. */
  readonly hash: string;
  /** The prompt of the same stage that it was made from. */
  readonly parent: string | null;
  /** Where the idea comes from. */
  readonly source: string | null;
  readonly variables: readonly string[];
  /** What its answer is; only critiques are other than text. */
  readonly output: PromptOutput;
  readonly system: string | null;
  readonly user: string;
}

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** Names between double braces, each once. */
export function variablesIn(template: string): string[] {
  return [...new Set([...template.matchAll(placeholder)].map((match) => match[1] as string))];
}

/**
 * Fills in a prompt. Values are inserted once and not scanned again, so that braces in a task or in
 * an answer stay text.
 *
 * @throws RedistillError `internal` when a variable has no value.
 */
export function renderPrompt(prompt: Prompt, values: Readonly<Record<string, string>>): Message[] {
  const fill = (template: string) =>
    template.replace(placeholder, (_whole, name: string) => {
      const value = values[name];
      if (value === undefined) {
        throw new RedistillError(
          "internal",
          `prompt ${prompt.stage}/${prompt.name} wants {{${name}}}, which this stage does not have`,
          `Variables here: ${Object.keys(values).join(", ")}.`,
        );
      }
      return value;
    });
  const user: Message = { role: "user", content: fill(prompt.user) };
  return prompt.system === null ? [user] : [{ role: "system", content: fill(prompt.system) }, user];
}
