// One command on a large database in a process of its own: how long, and the most memory it had.
import { statusCommand } from "../../src/cli/commands/status.js";
import { createOutput } from "../../src/cli/output.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { withStore } from "../../src/cli/reading.js";
import { readReport, renderMarkdown } from "../../src/report/index.js";

const [folder = "", command, runId = ""] = process.argv.slice(2);
const workspace = workspaceAt(folder);
const output = { ...createOutput(false), line: () => {} };
const resident = () => process.memoryUsage().rss / 2 ** 20;

const before = resident();
const startedAt = performance.now();
if (command === "status") statusCommand(undefined, { workspace, output });
if (command === "status <run>") statusCommand(runId, { workspace, output });
if (command === "report") {
  await withStore(workspace, (store) => renderMarkdown(readReport(store, runId)));
}
const seconds = (performance.now() - startedAt) / 1000;
// Kilobytes, on every platform that Node runs on.
const peak = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ seconds, before, peak })}\n`);
