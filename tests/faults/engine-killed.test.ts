import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { ChatModel } from "../../src/core/ports.js";
import type { EngineProcess } from "../../src/models/embedded/engine-process.js";
import { digestOf } from "../support/digest.js";
import { startEngineProcess } from "../support/machine.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const newFolder = () => mkdtempSync(join(tmpdir(), "redistill-engine-killed-"));
const tasks = newFolder();
const opened: EngineProcess[] = [];
afterAll(async () => {
  for (const engine of opened) await engine.dispose();
});

/** Real answers, and no training: nothing here depends on whether they are right. */
const base = sumsRecipe(tasks, {
  ...{ rounds: 1, critique: null, refine: null, model: { sequences: 4 } },
  ...{ elicit: { tasksPerRound: 4 }, generate: { attempts: 3, maxTokens: 24 } },
  ...{ student: { maxTokens: 24 }, curate: { minimum: 100 } },
});
const recipe = { ...base, tasks: { ...base.tasks, train: 6, gate: 10, sealed: 4 } };

/** The engine, ended with SIGKILL whenever so many tokens have been sampled in all. */
function killedAt(engine: EngineProcess, moments: number[]): { model: ChatModel; pids: number[] } {
  let sampled = 0;
  const pids: number[] = [];
  const sample: ChatModel["sample"] = (requests, options) =>
    engine.sample(requests, {
      ...options,
      onTokens: (count) => {
        sampled += count;
        options.onTokens?.(count);
        if (engine.pid === null || sampled < (moments[0] ?? Number.POSITIVE_INFINITY)) return;
        moments.shift();
        pids.push(engine.pid);
        process.kill(engine.pid, "SIGKILL");
      },
    });
  const model = new Proxy<ChatModel>(engine, {
    get: (target, name) => {
      const value = name === "sample" ? sample : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { model, pids };
}

/** Works on the run with the real weights, and gives what was killed and what was written. */
async function work(moments: number[]) {
  const folder = newFolder();
  const engine = await startEngineProcess();
  opened.push(engine);
  const { model, pids } = killedAt(engine, [...moments]);
  const run = await scriptedRun(folder, recipe, { model });
  await run.work();
  const kinds = run.store.events.of("sums-1").map(({ kind }) => kind);
  const tokens = run.store.spend
    .byStage("sums-1")
    .reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  run.store.close();
  await engine.dispose();
  const restarts = kinds.filter((kind) => kind === "engine-restarted").length;
  return { pids, restarts, tokens, digest: digestOf(join(folder, "memory", "redistill.db")) };
}

it("an engine that is killed while it samples from real weights is started again, with the same rows", async () => {
  const calm = await work([]);
  expect(calm.tokens).toBeGreaterThan(150);
  const moments = [Math.floor(calm.tokens * 0.2), Math.floor(calm.tokens * 0.8)];
  const killed = await work(moments);
  expect(new Set(killed.pids).size).toBe(2);
  expect([calm.restarts, killed.restarts]).toEqual([0, 2]);
  expect(killed.digest).toEqual(calm.digest);
}, 600_000);
