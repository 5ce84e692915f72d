import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askThrough } from "../../src/controller/ask.js";
import type { CallRequest, Generation } from "../../src/core/entities.js";
import { EngineFault, PausedError } from "../../src/core/errors.js";
import type { ChatModel, SampleOptions } from "../../src/core/ports.js";
import type { Store } from "../../src/store/store.js";
import { requestOf } from "../contract/request.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const width = 4;
const payer = { runId: "sums-1", round: 1, stage: "generate" };
const generation: Generation = {
  ...{ text: "yes", stopReason: "end", durationMs: 1 },
  ...{ promptTokens: 1, evaluatedPromptTokens: 1, completionTokens: 1 },
};

let store: Store;
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-ask-"));
  ({ store } = await scriptedRun(folder, sumsRecipe(folder)));
});
afterEach(() => store.close());

type Fault = "crashed" | "silent";

/**
 * A model that takes requests up in their order, `width` side by side, and dies as `dies` says of
 * those that are under way; each batch is remembered with its width.
 */
function modelThat(dies: (underWay: string[], width: number, batch: number) => Fault | null) {
  const batches: { texts: string[]; width: number | undefined }[] = [];
  const sample: ChatModel["sample"] = async (requests, options) => {
    const texts = requests.map(({ messages }) => messages[0]!.content);
    batches.push({ texts, width: options.width });
    const side = options.width ?? width;
    for (let done = 0; done < texts.length; done++) {
      options.signal.throwIfAborted();
      const fault = dies(texts.slice(done, done + side), side, batches.length);
      if (fault) throw new EngineFault(fault, true, `it ${fault}`, "hint");
      options.onResult(done, generation);
    }
  };
  return { model: { sample } as unknown as ChatModel, batches };
}

const requests = (count: number) =>
  new Map(Array.from({ length: count }, (_, n) => [`key-${n}`, requestOf(`${n}`)]));

async function ask(
  model: ChatModel,
  count = 10,
  {
    signal = new AbortController().signal,
    asked = requests(count) as Map<string, CallRequest>,
    admitted = Number.POSITIVE_INFINITY,
  } = {},
) {
  const [answered, givenUp, restarts]: [string[], string[], string[]] = [[], [], []];
  const error = await askThrough(asked, null, {
    ...{ store, model, width, payer, signal, drain: new AbortController().signal },
    admit: async (waiting) => Math.min(admitted, waiting.length),
    onTokens: () => {},
    onAnswer: (key) => answered.push(key),
    onGivenUp: (key) => givenUp.push(key),
    onNotice: (text) => restarts.push(text),
  }).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { answered, givenUp, restarts, error };
}

const has =
  (...poison: string[]) =>
  (underWay: string[]) =>
    underWay.some((text) => poison.includes(text)) ? ("crashed" as const) : null;

describe("asking an engine that crashes", () => {
  it("repeats what was under way and nothing else", async () => {
    const { model, batches } = modelThat((_underWay, _width, batch) =>
      batch === 1 ? "crashed" : null,
    );
    const broken = modelThat((underWay, _width, batch) =>
      batch === 1 && underWay[0] === "5" ? "crashed" : null,
    );
    const { answered, restarts, givenUp } = await ask(broken.model);
    expect(answered).toHaveLength(10);
    expect(new Set(answered).size).toBe(10);
    expect(broken.batches[1]!.texts).toEqual(["5", "6", "7", "8", "9"]);
    expect([restarts.length, givenUp.length]).toEqual([1, 0]);
    expect(store.events.of("sums-1").map(({ kind }) => kind)).toContain("engine-restarted");
    // What was answered is no suspect any more.
    expect(store.suspects.crashes().size).toBe(0);
    await ask(model, 3);
    expect(batches).toHaveLength(2);
  });

  it("finds the one request to blame by asking suspects alone, and gives up that one", async () => {
    const { model, batches } = modelThat(has("6"));
    const { answered, givenUp, error } = await ask(model);
    expect(error).toBeNull();
    expect(givenUp).toEqual(["key-6"]);
    expect(answered).toHaveLength(9);
    const alone = batches.filter(({ width: side }) => side === 1).map(({ texts }) => texts);
    expect(alone).toEqual([["3"], ["4"], ["5"], ["6"]]);
    expect(store.suspects.quarantined("sums-1")).toMatchObject([
      { callKey: "key-6", round: 1, stage: "generate", crashes: 3, reason: "it crashed" },
    ]);
  });

  it("finds several, also those that are far apart", async () => {
    const { model } = modelThat(has("1", "2", "20", "33"));
    const { answered, givenUp, error } = await ask(model, 40);
    expect(error).toBeNull();
    expect(givenUp).toEqual(["key-1", "key-2", "key-20", "key-33"]);
    expect(answered).toHaveLength(36);
  });

  it("gives up all samples of one prompt, and does not take that for a broken engine", async () => {
    const samples = [...requests(9)].map(([key, request], n): [string, CallRequest] => [
      key,
      n < 6 ? requestOf("0", { seed: n }) : request,
    ]);
    const { answered, givenUp, error } = await ask(modelThat(has("0")).model, 9, {
      asked: new Map(samples),
    });
    expect(error).toBeNull();
    expect(givenUp).toHaveLength(6);
    expect(answered).toEqual(["key-6", "key-7", "key-8"]);
  });

  it("gives up a request that is the only one", async () => {
    const { givenUp } = await ask(modelThat(has("0")).model, 1);
    expect(givenUp).toEqual(["key-0"]);
  });

  it("blames the engine, and no request, where it crashes at all of them", async () => {
    const { model, batches } = modelThat(() => "crashed");
    const { givenUp, error } = await ask(model);
    expect(error).toBeInstanceOf(PausedError);
    expect(error).toMatchObject({ reason: "engine", exitCode: 75 });
    expect(givenUp).toEqual([]);
    expect(store.suspects.quarantined("sums-1")).toEqual([]);
    expect(batches.length).toBeLessThan(8);
    // Mended, it is asked all of it.
    expect((await ask(modelThat(() => null).model)).answered).toHaveLength(10);
  });

  it("sends what is admitted, and blames the engine also where that is one at a time", async () => {
    const calm = modelThat(() => null);
    expect((await ask(calm.model, 7, { admitted: 3 })).answered).toHaveLength(7);
    expect(calm.batches.map(({ texts }) => texts.length)).toEqual([3, 3, 1]);
    const { givenUp, error } = await ask(modelThat(() => "crashed").model, 10, { admitted: 1 });
    expect(error).toMatchObject({ reason: "engine" });
    expect(givenUp).toEqual([]);
  });

  it("writes fewer answers side by side where that is what it dies of", async () => {
    const { model, batches } = modelThat((_underWay, side) => (side > 2 ? "crashed" : null));
    const { answered, error } = await ask(model, 40);
    expect(error).toBeNull();
    expect(answered).toHaveLength(40);
    expect(batches.at(-1)!.width).toBe(2);
  });
});

describe("asking an engine that hangs", () => {
  it("goes on after a hang or two, and blames no request", async () => {
    const { model, batches } = modelThat((_u, _w, batch) => (batch <= 2 ? "silent" : null));
    const { answered, error } = await ask(model);
    expect([error, answered.length]).toEqual([null, 10]);
    expect(batches.map(({ width: side }) => side)).toEqual([4, 4, 4]);
    expect(store.suspects.crashes().size).toBe(0);
  });

  it("halves the answers side by side, then pauses the run", async () => {
    const { model, batches } = modelThat(() => "silent");
    const { error, restarts } = await ask(model);
    expect(batches.map(({ width: side }) => side)).toEqual([4, 4, 4, 2]);
    expect(restarts.at(-1)).toContain("with 2 answers at once");
    expect(error).toMatchObject({ kind: "paused", reason: "engine" });
    expect((error as Error).message).toContain("it silent");
  });

  it("counts hangs in a row only: an answer between them begins anew", async () => {
    const hungAt = new Set<string>();
    const { model, batches } = modelThat(([first]) => {
      if (Number(first) % 2 === 1 || hungAt.has(first!)) return null;
      hungAt.add(first!);
      return "silent";
    });
    const { answered, error } = await ask(model, 20);
    expect([error, answered.length]).toEqual([null, 20]);
    expect(batches.every(({ width: side }) => side === 4)).toBe(true);
  });
});

describe("asking when this process itself died before", () => {
  const hint = "hint";
  /** What a process that is killed leaves behind: the mark, and no end. */
  const die = async (count = 10, open = requests(count)) => {
    const asked: CallRequest[][] = [];
    const model = {
      sample: async (sent: CallRequest[]) => {
        asked.push(sent);
        throw new EngineFault("crashed", true, "never seen", hint);
      },
    } as unknown as ChatModel;
    // The store goes away under it, as everything does when a process is killed.
    const dead = Object.assign(Object.create(store), {
      transaction: (work: () => unknown) => {
        if (asked.length > 0) throw new Error("killed");
        return store.transaction(work);
      },
    });
    await askThrough(open, null, {
      ...{ store: dead, model, width, payer },
      ...{ signal: new AbortController().signal, drain: new AbortController().signal },
      admit: async (waiting) => waiting.length,
      onTokens: () => {},
      onAnswer: () => {},
      onGivenUp: () => {},
      onNotice: () => {},
    }).catch(() => {});
    return asked[0]!.map(({ messages }) => messages[0]!.content);
  };

  it("blames nobody for one or two deaths", async () => {
    expect(await die()).toHaveLength(10);
    expect(await die()).toHaveLength(10);
    expect(store.suspects.crashes().size).toBe(0);
  });

  it("asks those alone that were under way at several in a row, and gives up what dies alone", async () => {
    for (let death = 0; death < 3; death++) expect(await die()).toHaveLength(10);
    expect([...store.suspects.crashes()]).toEqual([0, 1, 2, 3].map((n) => [`key-${n}`, 1]));
    expect(await die()).toEqual(["0"]);
    // Died alone: given up as soon as another answer shows that the engine works.
    const { answered, givenUp } = await ask(modelThat(() => null).model);
    expect(givenUp).toEqual(["key-0"]);
    expect(answered).toHaveLength(9);
  });

  it("blames nobody for deaths with an answer to the first request between them, or a crash survived", async () => {
    for (const first of ["key-0", "key-1", "key-2", "key-3"]) {
      const rest = [...requests(10)].filter(([key]) => key >= first);
      expect(await die(10, new Map(rest))).toHaveLength(rest.length);
    }
    expect(store.suspects.crashes().size).toBe(0);
    for (let death = 0; death < 3; death++) {
      await die();
      store.transaction(() => store.suspects.survive("sums-1"));
    }
    expect(store.suspects.crashes().size).toBe(0);
  });

  it("forgets deaths when the work was done, or stopped in order", async () => {
    for (let round = 0; round < 4; round++) {
      await die();
      const stop = new AbortController();
      stop.abort();
      await ask(modelThat(() => null).model, 10, { signal: stop.signal });
    }
    expect(store.suspects.crashes().size).toBe(0);
    expect((await ask(modelThat(() => null).model)).answered).toHaveLength(10);
  });
});

describe("asking a server that gives no answer to some requests", () => {
  /** A model that gives up these requests, by their texts, and answers the others in their order. */
  const serverThat = (how: "refused" | "failed", gives: (text: string) => boolean) =>
    ({
      sample: async (sent: CallRequest[], options: SampleOptions) => {
        for (const [index, { messages }] of sent.entries()) {
          options.signal.throwIfAborted();
          if (gives(messages[0]!.content)) options.onGivenUp?.(index, { how, reason: "no" });
          else options.onResult(index, generation);
        }
      },
    }) as unknown as ChatModel;
  const between = (from: number, to: number) => (text: string) =>
    Number(text) >= from && Number(text) < to;

  it("gives those up that it refuses, with the reason and no crash to blame", async () => {
    const { answered, givenUp, error } = await ask(serverThat("refused", between(2, 4)));
    expect([error, answered.length, givenUp]).toEqual([null, 8, ["key-2", "key-3"]]);
    expect(store.suspects.quarantined("sums-1")).toMatchObject([
      { callKey: "key-2", crashes: 0, reason: "no" },
      { callKey: "key-3", crashes: 0, reason: "no" },
    ]);
  });

  it("takes a few refusals in a row for a filter, where it has answered others", async () => {
    const { answered, givenUp } = await ask(serverThat("refused", between(5, 12)), 20);
    expect([answered.length, givenUp.length]).toEqual([13, 7]);
    const { error } = await ask(serverThat("refused", between(105, 130)), 0, {
      asked: new Map([...requests(130)].slice(100)),
    });
    expect(error).toMatchObject({ kind: "model" });
  });

  it("fails where it refuses everything, and pauses where it breaks at everything", async () => {
    const refused = await ask(serverThat("refused", () => true));
    expect(refused.error).toMatchObject({ kind: "model", exitCode: 5 });
    const failed = await ask(serverThat("failed", () => true));
    expect(failed.error).toMatchObject({ kind: "paused", reason: "server" });
    expect([refused.givenUp, failed.givenUp]).toEqual([[], []]);
    expect(store.suspects.quarantined("sums-1")).toEqual([]);
    expect((await ask(serverThat("failed", () => false))).answered).toHaveLength(10);
  });
});
