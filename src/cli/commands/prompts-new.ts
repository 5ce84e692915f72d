import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, RedistillError } from "../../core/errors.js";
import { findPrompt, parseReference } from "../../prompts/library.js";
import { derivedPrompt, newPrompt } from "../../prompts/scaffold.js";
import { codeOf } from "../../setup/files.js";
import { promptDirectories } from "../prompts.js";
import type { PromptsOptions } from "./prompts.js";

/** `redistill prompts new <stage/name>`: a file in the workspace, of nothing or of a parent. */
export function promptsNewCommand(
  named: string,
  { from }: { readonly from?: string },
  { workspace, output }: PromptsOptions,
): void {
  const { stage, name } = parseReference(named);
  const path = join(workspace.root, "prompts", stage, `${name}.md`);
  const body = from === undefined ? newPrompt(stage, name) : copyOf(from);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body, { flag: "wx" });
  } catch (cause) {
    throw codeOf(cause) === "EEXIST"
      ? new RedistillError("usage", `${path} exists already`, "Take another name, or edit it.")
      : new RedistillError(
          "storage",
          `cannot write ${path}: ${messageOf(cause)}`,
          "Check the folder and its permissions.",
          { cause },
        );
  }
  output.result({ kind: "prompt-new", stage, name, path, parent: from ?? null });
  output.line(`Wrote prompts/${stage}/${name}.md.`);
  output.line(`Edit it, then: redistill prompts lint prompts/${stage}/${name}.md`);

  function copyOf(parent: string): string {
    const file = findPrompt(promptDirectories(workspace), qualified(parent));
    if (file.stage === stage && file.name !== name) return derivedPrompt(file, name);
    throw new RedistillError(
      "usage",
      `--from ${parent}: a ${stage} prompt is made from another ${stage} prompt`,
      "`redistill prompts list` lists them.",
    );
  }

  /** A name alone is one of the same stage. */
  function qualified(parent: string): string {
    return parent.includes("/") || parent.endsWith(".md") ? parent : `${stage}/${parent}`;
  }
}
