// The same work as a LangGraph graph: one node, once for each item, a checkpoint after each.
import { join } from "node:path";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import Database from "better-sqlite3";

const { folder, items, answer } = JSON.parse(process.argv[2] ?? "{}");
const db = new Database(join(folder, "langgraph.db"));
const saver = new SqliteSaver(db);
saver.setup();
db.pragma("synchronous = FULL");

// The state has the last answer alone: with all of them every checkpoint would write them all again.
const State = Annotation.Root({ item: Annotation(), answer: Annotation() });
let done = 0;
const graph = new StateGraph(State)
  .addNode("ask", ({ item }) => {
    done++;
    return { item: item + 1, answer: `${answer} ${item}` };
  })
  .addEdge(START, "ask")
  .addConditionalEdges("ask", ({ item }) => (item < items ? "ask" : END))
  .compile({ checkpointer: saver });

const startedAt = performance.now();
await graph.invoke(
  { item: 0, answer: "" },
  { configurable: { thread_id: "1" }, recursionLimit: items + 10, durability: "sync" },
);
const seconds = (performance.now() - startedAt) / 1000;
const pragma = (name) => db.pragma(name, { simple: true });
const stored = db.prepare("SELECT count(*) FROM checkpoints").pluck().get();
if (stored < items) throw new Error(`${stored} checkpoints for ${items} items`);
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
