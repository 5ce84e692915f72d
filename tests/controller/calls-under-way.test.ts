import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CallsUnderWay } from "../../src/controller/calls-under-way.js";
import type { CallRequest } from "../../src/core/entities.js";
import { canonicalJson } from "../../src/core/hash.js";
import type { SampleOptions } from "../../src/core/ports.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const { signal: never } = new AbortController();

describe("calls under way", () => {
  it("are claimed once, and waited for until they are released", async () => {
    const calls = new CallsUnderWay();
    expect([...calls.claim(["a", "b"])]).toEqual(["a", "b"]);
    expect([...calls.claim(["b", "c"])]).toEqual(["c"]);
    let over = false;
    const waited = calls.wait(["a", "b"], never).then(() => {
      over = true;
    });
    calls.release("a");
    await sleep(1);
    expect(over).toBe(false);
    calls.release("b");
    await waited;
    expect([...calls.claim(["a", "b", "c"])]).toEqual(["a", "b"]);
  });

  it("are not waited for by who is stopped", async () => {
    const calls = new CallsUnderWay();
    calls.claim(["a"]);
    const stop = new AbortController();
    const waited = calls.wait(["a"], stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waited).rejects.toThrow("stopped");
  });
});

/** Answers one request after the other, slowly, and knows what it was asked. */
class SlowModel extends ScriptedChatModel {
  readonly asked: string[] = [];
  /** Called before each answer. */
  before: (request: CallRequest, options: SampleOptions) => void = () => {};

  constructor() {
    super("learner", learner);
  }

  override async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    for (const [index, request] of requests.entries()) {
      options.signal.throwIfAborted();
      this.asked.push(canonicalJson({ request, adapter: options.adapter?.sha256 ?? null }));
      await sleep(1);
      this.before(request, options);
      const onResult: SampleOptions["onResult"] = (_, answer) => options.onResult(index, answer);
      await super.sample([request], { ...options, onResult });
    }
  }

  get repeated(): number {
    return this.asked.length - new Set(this.asked).size;
  }
}

/** Two runs of one recipe in one database, side by side. */
async function twoRuns(model: SlowModel) {
  const folder = mkdtempSync(join(tmpdir(), "redistill-beside-"));
  const recipe = sumsRecipe(folder, { rounds: 1 });
  const beside = { calls: new CallsUnderWay(), enough: new AbortController().signal };
  const run = (runId: string) => scriptedRun(folder, recipe, { runId, model, beside });
  return [await run("sums-1"), await run("sums-2")] as const;
}

describe("two runs that ask the same at the same time", () => {
  it("pay for it once, and both stand on it", async () => {
    const model = new SlowModel();
    const [first, second] = await twoRuns(model);
    await Promise.all([first.work(), second.work()]);
    expect(model.repeated).toBe(0);
    const { store } = first;
    const answers = (runId: string) =>
      store.rounds.evaluations
        .of(runId, "gate", null)
        .map(({ taskId, answer }) => [taskId, answer]);
    expect(answers("sums-2")).toEqual(answers("sums-1"));
    expect(answers("sums-1")).toHaveLength(60);
  });

  it("do not wait for ever for one that is stopped or fails while it asks", async () => {
    for (const how of ["stopped", "fails"]) {
      const model = new SlowModel();
      const [first, second] = await twoRuns(model);
      const stop = new AbortController();
      model.before = () => {
        if (model.asked.length !== 30) return;
        if (how === "stopped") stop.abort();
        else throw new Error("the first run's model fails");
      };
      const ended = first.work(stop.signal).catch((error) => error);
      await second.work();
      expect(await ended).toBeInstanceOf(Error);
      expect(first.store.runs.find("sums-1")?.state).toBe(
        how === "stopped" ? "interrupted" : "failed",
      );
      expect(second.store.runs.find("sums-2")?.state).toBe("finished");
      // What was under way when it ended is asked once more.
      expect(model.repeated).toBe(1);
      await first.work();
      expect(model.repeated).toBe(1);
    }
  });
});
