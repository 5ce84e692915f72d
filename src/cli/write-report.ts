import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { redact } from "../core/secrets.js";
import { readReport, renderMarkdown, renderTerminal } from "../report/index.js";
import type { Store } from "../store/store.js";
import type { Output } from "./output.js";
import { runFolderAt, type Workspace } from "./paths.js";

/** Writes runs/<id>/report.md and shows the report: as text, or as one object with --json. */
export function writeReport(
  store: Store,
  runId: string,
  workspace: Workspace,
  output: Output,
  show: "terminal" | "markdown" = "terminal",
): void {
  const report = readReport(store, runId);
  const markdown = redact(renderMarkdown(report));
  const folder = store.runs.find(runId)?.folder ?? join("runs", runId);
  const path = join(runFolderAt(workspace, folder), "report.md");
  writeAtomically(path, markdown);
  output.result(report);
  output.line(show === "markdown" ? markdown.trimEnd() : `\n${renderTerminal(report)}\n`);
  if (show === "terminal") output.line(`Written to ${relative(workspace.root, path)}`);
}

/** Beside, flushed, renamed: a reader finds the old report or the new one, never half of one. */
function writeAtomically(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(beside, "w");
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new RedistillError(
      "storage",
      `cannot write ${path}: ${messageOf(cause)}`,
      "Make room or fix the permissions there; the run itself is safe in the database.",
      { cause },
    );
  }
}
