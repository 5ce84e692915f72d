import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { redact } from "../core/secrets.js";
import { readEvolutionReport } from "../evolution/report.js";
import { evolutionMarkdown, evolutionTerminal } from "../evolution/report-text.js";
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
import { runFolderAt, type Workspace } from "./paths.js";

/** Writes a run's report and shows it: as text, or as one object with --json. */
export async function writeReport(
  store: Store,
  runId: string,
  workspace: Workspace,
  output: Output,
  show: "terminal" | "markdown" | "html" = "terminal",
): Promise<void> {
  if (store.evolutions.spec(runId) !== null) {
    const { report, markdown, path } = await writeEvolution(store, runId, workspace);
    output.result(report);
    if (show === "html") throw noPage(runId, path);
    output.line(show === "markdown" ? markdown.trimEnd() : `\n${evolutionTerminal(report)}\n`);
    if (show === "terminal") output.line(`Written to ${path}`);
    return;
  }
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
    if (store.evolutions.spec(runId) !== null) {
      const { report, path } = await writeEvolution(store, runId, workspace);
      output.result(report);
      output.line(`What there is so far: ${path}`);
      return;
    }
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
  const markdown = redact(renderMarkdown(report));
  const paths = {
    markdown: await writeFile(store, runId, workspace, "report.md", markdown),
    html: await writeFile(store, runId, workspace, "report.html", renderHtml(report)),
  };
  return { report, markdown, paths };
}

/** The report of a search for a prompt, which has no page. */
async function writeEvolution(store: Store, runId: string, workspace: Workspace) {
  const report = readEvolutionReport(store, runId);
  const markdown = redact(evolutionMarkdown(report));
  const path = await writeFile(store, runId, workspace, "report.md", markdown);
  return { report, markdown, path };
}

function noPage(runId: string, path: string): RedistillError {
  return new RedistillError(
    "usage",
    `${runId} is an evolution, whose report has no page`,
    `Read ${path}, or leave --html out.`,
  );
}

/** Writes a file of a run and gives its path, relative to the workspace. */
function writeFile(
  store: Store,
  runId: string,
  workspace: Workspace,
  name: string,
  text: string,
): Promise<string> {
  const folder = store.runs.find(runId)?.folder ?? join("runs", runId);
  return writeReportFile(workspace, folder, name, text, "run");
}

/**
 * Writes a file of a report and gives its path, relative to the workspace.
 *
 * @param folder Relative to the workspace.
 * @param what "run" or "study": that is safe in the database, whatever becomes of the file.
 */
export async function writeReportFile(
  workspace: Workspace,
  folder: string,
  name: string,
  content: string | Uint8Array,
  what: "run" | "study",
): Promise<string> {
  const path = join(runFolderAt(workspace, folder), name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, content);
  } catch (cause) {
    throw new RedistillError(
      "storage",
      `cannot write ${path}: ${messageOf(cause)}`,
      `Make room or fix the permissions there; the ${what} itself is safe in the database.`,
      { cause },
    );
  }
  return relative(workspace.root, path);
}
