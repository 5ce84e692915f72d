import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { modelSchema, type ServedSettings } from "../../src/core/model.js";
import { shuffled } from "../../src/core/random.js";
import { RemoteModel } from "../../src/models/remote/remote-model.js";
import { readReport, renderMarkdown } from "../../src/report/index.js";
import { digestOf } from "../support/digest.js";
import { HttpEndpoint } from "../support/http-endpoint.js";
import { testModel } from "../support/machine.js";
import { ModelServer, type ServerFault } from "../support/model-server.js";
import { type StartedProgram, startProgram, stateIn, until } from "../support/program.js";
import { learner, scriptedRun, sumsFile, sumsRecipe } from "../support/scripted-run.js";
import { databaseOf, expectSame, fired, folder, seed } from "./harness.js";

const width = 4;
const { signal: never } = new AbortController();

/** One server for all, since its address is part of a recipe; each run begins with a new ledger. */
const server = new ModelServer(learner, 2);
beforeAll(() => server.start());
afterAll(() => server.stop());

function newFolder(): string {
  const where = mkdtempSync(join(tmpdir(), "redistill-served-"));
  sumsFile(where, 160);
  writeFileSync(
    join(where, "recipe.yaml"),
    `name: sums
seed: 3
rounds: 1
model: {provider: openai, name: learner, url: "${server.url}", weights: ${testModel()},
  sequences: ${width}, firstTokenSeconds: 4, nextTokenSeconds: 4}
tasks: {source: jsonl, path: sums.jsonl, verifier: {kind: numeric}, train: 24, gate: 30, sealed: 10}
elicit: {tasksPerRound: 12}
generate: {attempts: 3}
`,
  );
  server.ledger.length = 0;
  server.plan = () => null;
  return where;
}

const started: StartedProgram[] = [];

function work(where: string, ...args: string[]): StartedProgram {
  const program = startProgram(where, args, { served: true });
  started.push(program);
  return program;
}

// One that a failed test leaves behind would ask in the next one.
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
});

async function workToEnd(where: string, ...args: string[]) {
  const program = work(where, ...args);
  return { ...(await program.ended), text: program.text() };
}

const repeated = () => server.ledger.length - new Set(server.ledger.map(({ key }) => key)).size;

describe("a run whose model is behind a server", () => {
  let calm: Record<string, string> = {};
  let asked = 0;
  beforeAll(async () => {
    const where = newFolder();
    const { code, text } = await workToEnd(where, "run", "recipe.yaml");
    expect([code, text.includes("round 1")]).toEqual([0, true]);
    calm = digestOf(databaseOf(where));
    asked = server.ledger.length;
    expect(repeated()).toBe(0);
  });

  it("ends with the same rows after every kind of trouble, and repeats only what failed", async () => {
    const where = newFolder();
    const kinds: readonly (readonly [string, ServerFault])[] = [
      ["17 429 with Retry-After", { status: 429, retryAfter: 1 }],
      ["17 503", { status: 503 }],
      ["18 5xx", { status: 500 }],
      ["18 reset", "reset"],
      ["19 hangs before headers", "hang"],
      ["19 hangs between tokens", "hang half-way"],
      ["20 stream ends half-way", "end half-way"],
      ["20 reset half-way", "reset half-way"],
      ["20 200 followed by an error line", "error line"],
    ];
    const places = shuffled(
      Array.from({ length: asked - 20 }, (_, n) => n + 10),
      seed,
    );
    const plan = new Map(kinds.map(([, fault], index) => [places[index], fault]));
    server.plan = (_asked, n) => plan.get(n) ?? null;
    const { code, text } = await workToEnd(where, "run", "recipe.yaml");
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(server.fired).toBe(kinds.length);
    expect(repeated()).toBe(kinds.length);
    for (const [row] of kinds) fired(`${row} (model server)`);
    expectSame("17-20 trouble with a model server", where, calm, 0);
    for (const { key, at, fault } of server.ledger) {
      if (typeof fault !== "object" || fault?.retryAfter === undefined) continue;
      const next = server.ledger.find((each) => each.key === key && each.at > at);
      expect(next!.at - at).toBeGreaterThanOrEqual(1000);
    }
  });

  it("survives that it is killed and its server restarted, and a machine that sleeps", async () => {
    const where = newFolder();
    const first = work(where, "run", "recipe.yaml");
    await until(() => server.ledger.length > 20, "answers");
    // Longer than both bounds: what was under way is not taken for silence.
    first.child.kill("SIGSTOP");
    await sleep(4_500);
    const beforeWaking = server.ledger.length;
    first.child.kill("SIGCONT");
    await until(() => server.ledger.length > beforeWaking + 10, "further answers");
    expect(repeated()).toBe(0);
    first.child.kill("SIGKILL");
    await server.stop();
    expect((await first.ended).signal).toBe("SIGKILL");
    await server.start();
    const underWay = server.ledger.filter(({ answered }) => !answered).length;
    expect(underWay).toBeLessThanOrEqual(width);
    // The server restarts once more, in the middle of a batch.
    const second = work(where, "resume");
    const before = server.ledger.length;
    await until(() => server.ledger.length > before + 20, "answers after the kill");
    await server.stop();
    await sleep(200);
    await server.start();
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(repeated()).toBeLessThanOrEqual(2 * width);
    expectSame("23 model server restarted mid-batch, program killed", where, calm, 3);
  });

  it("stops when other weights are behind the name, and goes on when they are back", async () => {
    const where = newFolder();
    const { digest } = server;
    server.plan = (_asked, n) => {
      if (n !== 30) return null;
      server.digest = "b".repeat(64);
      return "reset";
    };
    const swapped = await workToEnd(where, "run", "recipe.yaml");
    expect(swapped).toMatchObject({ code: 7, text: expect.stringContaining("another model now") });
    expect(stateIn(where)).toBe("failed");
    expect(server.ledger.length).toBeLessThanOrEqual(30 + 2 * width);
    const refused = await workToEnd(where, "resume");
    expect(refused).toMatchObject({ code: 7, text: expect.stringContaining("another model") });
    server.digest = digest;
    expect(await workToEnd(where, "resume")).toMatchObject({ code: 0 });
    expectSame("24 weights behind the same name swapped", where, calm);
  });
});

describe("a run on a server that", () => {
  const tasks = folder();
  const recipe = () =>
    sumsRecipe(tasks, { rounds: 1, elicit: { tasksPerRound: 8 }, model: { sequences: width } });

  async function served(where: string, patience: { awayMs?: number } = {}) {
    server.ledger.length = 0;
    server.plan = () => null;
    const settings = modelSchema.parse({ provider: "openai", name: "m", sequences: width });
    const quick = { retryMs: 5, longestRetryMs: 50, ...patience };
    const endpoint = new HttpEndpoint(server.url);
    const model = await RemoteModel.open(endpoint, settings as ServedSettings, never, quick);
    return scriptedRun(where, recipe(), { model });
  }

  it("is gone pauses, keeps what it has, and ends with the same rows when it is back", async () => {
    const undisturbed = await served(folder());
    await undisturbed.work();
    undisturbed.store.close();
    const all = server.ledger.length;
    const where = folder();
    const run = await served(where, { awayMs: 1_500 });
    let stopped: Promise<void> | null = null;
    server.plan = (_asked, n) => {
      if (n === 60) stopped = server.stop();
      return null;
    };
    await expect(run.work()).rejects.toMatchObject({ kind: "paused", reason: "server" });
    await stopped;
    expect(run.store.runs.find("sums-1")!.state).toBe("paused");
    const kept = run.store.spend.of("sums-1", null, null).calls;
    expect(Number(kept)).toBeGreaterThanOrEqual(60 - width - 1);
    await server.start();
    server.plan = () => null;
    await run.work();
    expect(server.ledger.length - all).toBeLessThanOrEqual(width);
    const markdown = renderMarkdown(readReport(run.store, "sums-1"));
    expect(markdown).toMatch(/server trouble/);
    run.store.close();
    fired("18 server gone: the run pauses");
  });

  it("cuts a prompt or refuses it has that item ungradable, with the reason, and goes on", async () => {
    const run = await served(folder());
    const [first, second] = run.store.tasks.ofSplit("sums-1", "gate");
    server.plan = ({ text }) =>
      text.includes(first!.prompt) ? "cut" : text.includes(second!.prompt) ? { status: 400 } : null;
    await run.work();
    const rows = run.store.rounds.evaluations.of("sums-1", "gate", null);
    for (const { id } of [first!, second!]) {
      const row = rows.find(({ taskId }) => taskId === id);
      expect(row).toMatchObject({ answer: "", verdict: { outcome: "ungradable", score: null } });
    }
    const reasons = run.store.suspects.quarantined("sums-1").map(({ reason }) => reason);
    expect(reasons.filter((reason) => /cut the rest without saying so/.test(reason))).not.toEqual(
      [],
    );
    expect(reasons.filter((reason) => /told to answer 400/.test(reason))).not.toEqual([]);
    expect(rows.filter(({ verdict }) => verdict.outcome === "ungradable")).toHaveLength(2);
    run.store.close();
    fired("22 prompt silently cut by a server");
  });

  it("refuses everything fails the run with the reason, and nothing is given up", async () => {
    const run = await served(folder());
    server.plan = () => ({ status: 400 });
    await expect(run.work()).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("told to answer 400"),
    });
    expect(run.store.runs.find("sums-1")!.state).toBe("failed");
    expect(run.store.suspects.quarantined("sums-1")).toEqual([]);
    server.plan = () => null;
    await run.work();
    expect(run.store.runs.find("sums-1")!.state).toBe("finished");
    run.store.close();
  });
});
