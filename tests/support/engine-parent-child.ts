// A parent of an engine's process, to be killed: `engine-parent-child.ts <plan> idle|spin`.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { requestOf } from "../contract/request.js";
import { startFakeEngine } from "./engine-process.js";

const [path, how] = process.argv.slice(2) as [string, string];
const model = await startFakeEngine(
  path,
  { faults: [{ match: "spin", how: "spin" }] },
  { stepMs: 600_000 },
);
if (how === "spin") {
  const options = { adapter: null, signal: new AbortController().signal, onResult: () => {} };
  void model.sample([requestOf("spin")], options);
  while (!existsSync(`${path}.0`)) await sleep(20);
}
process.stdout.write("ready\n");
setInterval(() => {}, 1_000);
