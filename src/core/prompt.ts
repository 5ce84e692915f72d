import { z } from "zod";
import type { Message } from "./entities.js";
import { RedistillError } from "./errors.js";

/** A prompt file, parsed: who it is, and its messages with `{{variables}}` still open. */
export interface Prompt {
  readonly stage: string;
  readonly name: string;
  readonly version: string;
  /** sha256 of the whole file. */
  readonly hash: string;
  readonly variables: readonly string[];
  readonly system: string | null;
  readonly user: string;
}

/** A prompt as a recipe names it: its file without folder and ending. */
export const promptName = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "a prompt's name has a-z, 0-9 and -");

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
