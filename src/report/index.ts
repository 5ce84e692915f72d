export { readEnded, saysHowToGoOn } from "./ended.js";
export { duration } from "./figures.js";
export { renderHtml } from "./html/page.js";
export { renderMarkdown } from "./markdown.js";
export { readReport } from "./read.js";
export type { RunReport } from "./report.js";
export { readSpend, spendTexts } from "./spend.js";
export { renderTerminal } from "./terminal.js";
export { oneLine } from "./text.js";
