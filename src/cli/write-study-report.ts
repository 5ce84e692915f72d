import { join } from "node:path";
import { redact } from "../core/secrets.js";
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
import type { Workspace } from "./paths.js";
import { writeReportFile } from "./write-report.js";

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
  const write = (name: string, content: string | Uint8Array) =>
    writeReportFile(workspace, join("runs", `study-${studyId}`), name, content, "study");
  const paths = {
    markdown: await write("report.md", markdown),
    html: await write("report.html", renderStudyHtml(report)),
    csv: await write("answers.csv", studyCsv(report)),
    parquet: await write("answers.parquet", studyParquet(report)),
  };
  output.result(report);
  if (show === "html") output.line(paths.html);
  else if (show === "markdown") output.line(markdown.trimEnd());
  else {
    output.line(`\n${renderStudyTerminal(report)}\n`);
    output.line(
      `Written to ${paths.markdown} and ${paths.html}; every answer is in ${paths.csv} and ${paths.parquet}`,
    );
  }
}
