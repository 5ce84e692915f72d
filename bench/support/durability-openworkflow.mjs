// The same work as openworkflow workflows: one step for each item. A workflow may have 1000 steps
// at most, so that more items are several workflows one after the other.
import { join } from "node:path";
import { OpenWorkflow } from "openworkflow";
import { BackendSqlite } from "openworkflow/sqlite";

const { folder, items, answer, atOnce } = JSON.parse(process.argv[2] ?? "{}");
const mostSteps = 900;
const backend = BackendSqlite.connect(join(folder, "openworkflow.db"));
backend.db.exec("PRAGMA synchronous = FULL");
const client = new OpenWorkflow({ backend });

let [done, working] = [0, 0];
let finished = () => {};
const workflow = client.defineWorkflow({ name: "ask" }, async ({ input, step }) => {
  // From the first step to the last: how the worker waits for work between runs does not count.
  const startedAt = performance.now();
  const ask = (item) =>
    step.run({ name: `item-${item}` }, () => {
      done++;
      return `${answer} ${item}`;
    });
  for (let first = input.from; first < input.to; first += atOnce) {
    const group = Array.from({ length: Math.min(atOnce, input.to - first) }, (_, i) => first + i);
    await Promise.all(group.map(ask));
  }
  working += performance.now() - startedAt;
  finished();
});
const worker = client.newWorker();
for (let from = 0; from < items; from += mostSteps) {
  const over = new Promise((resolve) => {
    finished = resolve;
  });
  await workflow.run({ from, to: Math.min(items, from + mostSteps) });
  await worker.tick();
  await over;
  await worker.stop();
}
const pragma = (name) => Object.values(backend.db.prepare(`PRAGMA ${name}`).get())[0];
const stored = Object.values(
  backend.db
    .prepare("SELECT count(*) FROM step_attempts WHERE status IN ('completed', 'succeeded')")
    .get(),
)[0];
if (stored < items) throw new Error(`${stored} finished steps for ${items} items`);
process.stdout.write(
  `${JSON.stringify({
    seconds: working / 1000,
    items: done,
    settings: { journal: pragma("journal_mode"), synchronous: pragma("synchronous") },
    sqlite: Object.values(backend.db.prepare("SELECT sqlite_version()").get())[0],
    node: process.versions.node,
  })}\n`,
);
await backend.stop();
process.exit(0);
