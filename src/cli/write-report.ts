import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import {
  type RunReport,
  readReport,
  renderHtml,
  renderMarkdown,
  renderTerminal,
} from "../report/index.js";
import { writeFileAtomic } from "../setup/files.js";
import type { Store } from "../store/store.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";

/** Writes a run's report and shows it: as text, or as one object with --json. */
export async function writeReport(
  store: Store,
  runId: string,
  workspace: Workspace,
  output: Output,
  show: "terminal" | "markdown" | "html" = "terminal",
): Promise<void> {
  const { report, markdown, paths } = await writeFiles(store, runId, workspace);
  output.result(report);
  // The path is all that is shown of the page, to be passed on to a browser.
  if (show === "html") output.line(paths.html);
  else if (show === "markdown") output.line(markdown.trimEnd());
  else {
    output.line(`\n${renderTerminal(report)}\n`);
    output.line(`Written to ${paths.markdown} and ${paths.html}`);
  }
}

/**
 * Writes the report of a run that ended early and says where it is. What ended the run is what has
 * to be heard: a report that cannot be written, as on a full disk, is no more than a note.
 */
export async function writeReportSoFar(
  store: Store,
  runId: string,
  workspace: Workspace,
  output: Output,
): Promise<void> {
  output.close();
  try {
    const { report, paths } = await writeFiles(store, runId, workspace);
    output.result(report);
    output.line(`What there is so far: ${paths.markdown} and ${paths.html}`);
  } catch (error) {
    output.note(`The report could not be written: ${messageOf(error)}`);
  }
}

interface Written {
  readonly report: RunReport;
  readonly markdown: string;
  /** Relative to the workspace. */
  readonly paths: { readonly markdown: string; readonly html: string };
}

/** The only place in which a report becomes a file: runs/<id>/report.md and report.html. */
async function writeFiles(store: Store, runId: string, workspace: Workspace): Promise<Written> {
  const report = readReport(store, runId);
  const markdown = renderMarkdown(report);
  const folder = store.runs.find(runId)?.folder ?? join("runs", runId);
  const write = async (name: string, text: string) => {
    const path = join(workspace.root, folder, name);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, text);
    } catch (cause) {
      throw new RedistillError(
        "storage",
        `cannot write ${path}: ${messageOf(cause)}`,
        "Make room or fix the permissions there; the run itself is safe in the database.",
        { cause },
      );
    }
    return relative(workspace.root, path);
  };
  const paths = {
    markdown: await write("report.md", markdown),
    html: await write("report.html", renderHtml(report)),
  };
  return { report, markdown, paths };
}
