// The same work as a LangGraph graph: one node, once for each item, a checkpoint after each step of
// so many items at once.
import { join } from "node:path";
import { Annotation, END, Send, START, StateGraph } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import Database from "better-sqlite3";

const { folder, items, answer, atOnce } = JSON.parse(process.argv[2] ?? "{}");
const db = new Database(join(folder, "langgraph.db"));
const saver = new SqliteSaver(db);
saver.setup();
db.pragma("synchronous = FULL");

// The state has the last answer alone: with all of them every checkpoint would write them all again.
const State = Annotation.Root({
  step: Annotation(),
  item: Annotation(),
  answer: Annotation({ reducer: (_old, last) => last, default: () => "" }),
});
let done = 0;
const ask = (item) => {
  done++;
  return `${answer} ${item}`;
};
const alone = new StateGraph(State)
  .addNode("ask", ({ item }) => ({ item: item + 1, answer: ask(item) }))
  .addEdge(START, "ask")
  .addConditionalEdges("ask", ({ item }) => (item < items ? "ask" : END));
// Tasks of one step run side by side, and each one's answer is saved as it comes (putWrites).
const sendAll = ({ step }) => {
  const from = step * atOnce;
  return Array.from(
    { length: Math.min(atOnce, items - from) },
    (_, i) => new Send("ask", { item: from + i }),
  );
};
const together = new StateGraph(State)
  .addNode("begin", ({ step }) => ({ step: step + 1 }))
  .addNode("ask", ({ item }) => ({ answer: ask(item) }))
  .addEdge(START, "begin")
  .addConditionalEdges("begin", ({ step }) => sendAll({ step: step - 1 }), ["ask"])
  .addConditionalEdges("ask", ({ step }) => (step * atOnce < items ? "begin" : END));
const graph = (atOnce === 1 ? alone : together).compile({ checkpointer: saver });

const startedAt = performance.now();
await graph.invoke(
  { step: 0, item: 0, answer: "" },
  { configurable: { thread_id: "1" }, recursionLimit: 2 * items + 10, durability: "sync" },
);
const seconds = (performance.now() - startedAt) / 1000;
const pragma = (name) => db.pragma(name, { simple: true });
const stored =
  atOnce === 1
    ? db.prepare("SELECT count(*) FROM checkpoints").pluck().get()
    : db.prepare("SELECT count(*) FROM writes WHERE channel = 'answer'").pluck().get();
if (stored < items) throw new Error(`${stored} saved answers for ${items} items`);
process.stdout.write(
  `${JSON.stringify({
    seconds,
    items: done,
    settings: { journal: pragma("journal_mode"), synchronous: pragma("synchronous") },
    sqlite: db.prepare("SELECT sqlite_version()").pluck().get(),
    node: process.versions.node,
  })}\n`,
);
db.close();
