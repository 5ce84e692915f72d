import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { redact } from "../core/secrets.js";
import { writeFileAtomic } from "../setup/files.js";
import type { Store } from "../store/store.js";
import {
  readStudyReport,
  renderStudyHtml,
  renderStudyMarkdown,
  renderStudyTerminal,
  studyCsv,
  studyParquet,
} from "../studies/report/index.js";
import type { Output } from "./output.js";
import { runFolderAt, type Workspace } from "./paths.js";

interface Shown {
  readonly show?: "terminal" | "markdown" | "html";
  /** With the section that tells when everything ran. */
  readonly times?: boolean;
}

/** Writes a study's report and its answers to runs/study-<id>/, and shows it: as text, or as one object with --json. */
export async function writeStudyReport(
  store: Store,
  studyId: string,
  workspace: Workspace,
  output: Output,
  { show = "terminal", times = false }: Shown = {},
): Promise<void> {
  const report = readStudyReport(store, studyId, { times });
  const markdown = redact(renderStudyMarkdown(report));
  const folder = runFolderAt(workspace, join("runs", `study-${studyId}`));
  const files: [name: string, content: string | Uint8Array][] = [
    ["report.md", markdown],
    ["report.html", renderStudyHtml(report)],
    ["answers.csv", studyCsv(report)],
    ["answers.parquet", studyParquet(report)],
  ];
  for (const [name, content] of files) await write(join(folder, name), content);
  const place = (name: string) => relative(workspace.root, join(folder, name));
  output.result(report);
  if (show === "html") output.line(place("report.html"));
  else if (show === "markdown") output.line(markdown.trimEnd());
  else {
    output.line(`\n${renderStudyTerminal(report)}\n`);
    output.line(
      `Written to ${place("report.md")} and ${place("report.html")}; every answer is in ${place("answers.csv")} and ${place("answers.parquet")}`,
    );
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, content);
  } catch (cause) {
    throw new RedistillError(
      "storage",
      `cannot write ${path}: ${messageOf(cause)}`,
      "Make room or fix the permissions there; the study itself is safe in the database.",
      { cause },
    );
  }
}
