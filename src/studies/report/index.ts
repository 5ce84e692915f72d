export { renderStudyHtml } from "./html/page.js";
export { studyCsv, studyParquet } from "./long-table.js";
export { renderStudyMarkdown } from "./markdown.js";
export { readStudyReport } from "./read.js";
export type { StudyReport } from "./report.js";
export { renderStudyTerminal } from "./terminal.js";
