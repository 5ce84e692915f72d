import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { CallRequest } from "../../src/core/entities.js";
import { EngineFault } from "../../src/core/errors.js";
import { EngineProcess } from "../../src/models/embedded/engine-process.js";
import { packRequests, unpackRequests } from "../../src/models/embedded/protocol.js";
import { isAlive } from "../../src/setup/lock.js";
import { answersOf, chatModelContract, requestOf } from "../contract/chat-model.js";
import { childScript } from "../support/child.js";
import { vectorByWords } from "../support/embedder.js";
import { ledgerOf, pidsOf, startFakeEngine } from "../support/engine-process.js";
import { engineProgram } from "../support/machine.js";

const planPath = () => join(mkdtempSync(join(tmpdir(), "redistill-engine-")), "plan.json");

const opened: EngineProcess[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose();
});

async function start(
  path: string,
  ...rest: Parameters<typeof startFakeEngine> extends [string, ...infer R] ? R : never
) {
  const model = await startFakeEngine(path, ...rest);
  opened.push(model);
  return model;
}

/** Asks, and gives the indexes that were answered with what ended the call. */
async function ask(model: EngineProcess, requests: CallRequest[], signal?: AbortSignal) {
  const answered: number[] = [];
  const error = await model
    .sample(requests, {
      adapter: null,
      signal: signal ?? new AbortController().signal,
      onResult: (index) => answered.push(index),
    })
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  return { answered, error };
}

const requests = (texts: string[]) => texts.map((text, seed) => requestOf(text, { seed }));
const tenWith = (last: string) =>
  requests([...Array.from({ length: 9 }, (_, n) => `Say ${n}.`), last]);

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

chatModelContract("the engine's process", () => startFakeEngine(planPath()), "script");

describe("the engine's process", () => {
  it("keeps messages that requests share one and the same", () => {
    const shared = requestOf("twice").messages;
    const { sampling } = requestOf("x");
    const sent = [
      { messages: shared, sampling },
      { ...requestOf("once"), topLogprobs: 5 },
      { messages: shared, sampling },
    ];
    const packed = JSON.parse(JSON.stringify(packRequests(sent)));
    expect(packed.conversations).toHaveLength(2);
    const received = unpackRequests(packed);
    expect(received).toEqual(sent);
    expect(received[2]!.messages).toBe(received[0]!.messages);
  });

  it("makes the vectors of texts after a crash, too, and gives up after the second", async () => {
    const path = planPath();
    const model = await start(path, { faults: [{ match: "boom", how: "crash", times: 1 }] });
    const texts = ["one", "boom", "two"];
    const { signal } = new AbortController();
    expect(await model.embedder.embed(texts, signal)).toEqual(texts.map(vectorByWords));
    expect(pidsOf(path)).toHaveLength(2);
    const other = await start(planPath(), { faults: [{ match: "boom", how: "crash" }] });
    await expect(other.embedder.embed(texts, signal)).rejects.toMatchObject({ fault: "crashed" });
  });

  it("takes nothing with it when it crashes, and is started again", async () => {
    const path = planPath();
    const model = await start(path, { faults: [{ match: "boom", how: "crash", times: 1 }] });
    const { digest } = model;
    const { answered, error } = await ask(model, tenWith("boom"));
    expect(answered.length).toBeGreaterThan(4);
    expect(answered).not.toContain(9);
    expect(error).toBeInstanceOf(EngineFault);
    expect(error).toMatchObject({ kind: "model", fault: "crashed", answering: true });
    expect((error as Error).message).toMatch(/killed by SIGSEGV while it answered.*told to crash/s);
    expect(await answersOf(model, tenWith("boom"))).toHaveLength(10);
    expect(new Set(pidsOf(path)).size).toBe(2);
    expect(model.digest).toBe(digest);
  });

  it.each(["hang", "spin"] as const)(
    "is ended when its answers %s, and no other process is",
    async (how) => {
      const path = planPath();
      const other = await start(planPath());
      const model = await start(path, { faults: [{ match: "stuck", how, times: 1 }] });
      const { error } = await ask(model, tenWith("stuck"));
      expect(error).toMatchObject({ fault: "silent", answering: true });
      expect(await answersOf(model, tenWith("stuck"))).toHaveLength(10);
      const [stuck, healthy] = pidsOf(path);
      expect([isAlive(stuck!), isAlive(healthy!)]).toEqual([false, true]);
      expect(await answersOf(other, tenWith("fine"))).toHaveLength(10);
    },
  );

  it("may take its time to load as long as it goes on", async () => {
    const slow = { loadParts: 40 };
    const model = await start(planPath(), slow, { firstMs: 3_000 }).catch((error) => error);
    expect(model).not.toBeInstanceOf(Error);
  });

  it.each([
    ["crash", "crashed"],
    ["hang", "silent"],
  ] as const)("that starts with a %s is named", async (how, fault) => {
    const starting = startFakeEngine(planPath(), { start: how }, { firstMs: 3_000 });
    await expect(starting).rejects.toMatchObject({ fault, answering: false });
  });

  it("says what the real engine says of a file that is no model", async () => {
    const path = planPath();
    writeFileSync(path, "not a model");
    const options = { modelPath: path, modelSha256: "0", contextTokens: 256, sequences: 2 };
    const starting = EngineProcess.start(
      { ...options, threads: 1, program: engineProgram },
      new AbortController().signal,
    );
    await expect(starting).rejects.toMatchObject({
      kind: "model",
      hint: expect.stringContaining("GGUF"),
    });
  });

  it("stops on an abort, by force where it does not listen", async () => {
    const path = planPath();
    const model = await start(
      path,
      { faults: [{ match: "deaf", how: "hang" }] },
      { stepMs: 60_000, stopMs: 200 },
    );
    const stop = new AbortController();
    const asked = ask(model, requests(["deaf"]), stop.signal);
    await until(() => ledgerOf(path).length === 1);
    stop.abort();
    const { error } = await asked;
    expect(error).toMatchObject({ name: "AbortError" });
    expect(await answersOf(model, requests(["fine"]))).toHaveLength(1);
  });

  it("ends on dispose", async () => {
    const path = planPath();
    const model = await start(path);
    await model.dispose();
    expect(isAlive(pidsOf(path)[0]!)).toBe(false);
    await expect(answersOf(model, requests(["x"]))).rejects.toThrow(/disposed/);
  });

  it.each(["idle", "spin"])("does not outlive a parent that was killed (%s)", async (how) => {
    const path = planPath();
    const parent = spawn(process.execPath, [childScript("engine-parent-child"), path, how], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(parent.stdout, "data");
    const [engine] = pidsOf(path);
    expect(isAlive(engine!)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(engine!));
  });
});
