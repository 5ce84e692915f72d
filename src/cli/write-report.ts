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
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../report/index.js";
import type { Store } from "../store/store.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";

/**
 * Writes runs/<id>/report.md and report.html and shows the report: as text, or as one object with
 * --json. For `html` the page's path is all that is shown, to be passed on to a browser.
 */
export function writeReport(
  store: Store,
  runId: string,
  workspace: Workspace,
  output: Output,
  show: "terminal" | "markdown" | "html" = "terminal",
): void {
  const report = readReport(store, runId);
  const markdown = renderMarkdown(report);
  const folder = store.runs.find(runId)?.folder ?? join("runs", runId);
  const at = (name: string) => join(workspace.root, folder, name);
  writeAtomically(at("report.md"), markdown);
  writeAtomically(at("report.html"), renderHtml(report));
  const shown = (name: string) => relative(workspace.root, at(name));
  output.result(report);
  if (show === "html") output.line(shown("report.html"));
  else if (show === "markdown") output.line(markdown.trimEnd());
  else {
    output.line(`\n${renderTerminal(report)}\n`);
    output.line(`Written to ${shown("report.md")} and ${shown("report.html")}`);
  }
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
