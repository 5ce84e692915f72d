export { duration } from "./figures.js";
export { renderMarkdown } from "./markdown.js";
export { readReport } from "./read.js";
export { readSpend, spendTexts } from "./spend.js";
export { renderTerminal } from "./terminal.js";
export { oneLine } from "./text.js";
