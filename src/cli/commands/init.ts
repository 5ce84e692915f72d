import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf, RedistillError } from "../../core/errors.js";
import { recipeTemplate } from "../../recipes/template.js";
import { codeOf } from "../../setup/files.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";

/** `redistill init [path]`: a recipe with every key, to edit. */
export function initCommand(
  path = "recipe.yaml",
  flags: { force?: boolean },
  { workspace, output }: { workspace: Workspace; output: Output },
): void {
  const named = resolve(workspace.root, path);
  const isFolder = existsSync(named) && statSync(named).isDirectory();
  const target = isFolder ? join(named, "recipe.yaml") : named;
  try {
    mkdirSync(dirname(target), { recursive: true });
    // `wx` refuses a file that appeared meanwhile, too.
    writeFileSync(target, recipeTemplate, { flag: flags.force ? "w" : "wx" });
  } catch (cause) {
    throw codeOf(cause) === "EEXIST" && existsSync(target)
      ? new RedistillError(
          "usage",
          `${target} exists already`,
          "Name another file, or replace it with --force.",
        )
      : new RedistillError(
          "storage",
          `cannot write ${target}: ${messageOf(cause)}`,
          "Check the folder and its permissions.",
          { cause },
        );
  }
  const shown = isFolder ? join(path, "recipe.yaml") : path;
  output.result({ kind: "init", path: target });
  output.line(`Wrote ${shown}: every key with its default and what it means.`);
  output.line(`Edit it, then: redistill run ${shown}`);
}
