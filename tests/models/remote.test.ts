import { afterEach, describe, expect, it } from "vitest";
import type { CallRequest } from "../../src/core/entities.js";
import { modelSchema, type ServedSettings } from "../../src/core/model.js";
import type { GivenUp, SampleOptions } from "../../src/core/ports.js";
import type { EndpointIdentity } from "../../src/models/remote/endpoint.js";
import { delayAfter, type Patience, usualPatience } from "../../src/models/remote/patience.js";
import { RemoteModel } from "../../src/models/remote/remote-model.js";
import { Throttle } from "../../src/models/remote/throttle.js";
import { chatModelContract } from "../contract/chat-model.js";
import { requestOf } from "../contract/request.js";
import { HttpEndpoint } from "../support/http-endpoint.js";
import { type FaultPlan, ModelServer } from "../support/model-server.js";

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop().catch(() => {});
});

const script = ({ messages, sampling }: CallRequest) =>
  `answer to ${messages.at(-1)!.content} with ${sampling.seed}`;

async function startServer(plan: FaultPlan = () => null, delayMs = 0): Promise<ModelServer> {
  const server = await new ModelServer(script, delayMs).start();
  servers.push(server);
  server.plan = plan;
  return server;
}

const quick: Partial<Patience> = { retryMs: 5, longestRetryMs: 20, longestRetryAfterMs: 300 };
const { signal: never } = new AbortController();

const settingsFor = (sequences: number) =>
  modelSchema.parse({ provider: "openai", name: "m", sequences }) as ServedSettings;

function open(
  server: ModelServer,
  patience: Partial<Patience> = {},
  { sequences = 4, ...known }: Partial<EndpointIdentity> & { sequences?: number } = {},
): Promise<RemoteModel> {
  const endpoint = new HttpEndpoint(server.url, known);
  return RemoteModel.open(endpoint, settingsFor(sequences), never, { ...quick, ...patience });
}

const questions = (count: number) => Array.from({ length: count }, (_, n) => requestOf(`q${n}`));

/** Asks, and gives back what came of each. */
async function ask(model: RemoteModel, count: number, options: Partial<SampleOptions> = {}) {
  const answers: string[] = [];
  const givenUp: [number, GivenUp][] = [];
  const notices: string[] = [];
  const error = await model
    .sample(questions(count), {
      ...{ adapter: null, signal: never },
      onResult: (index, { text }) => {
        expect(answers[index]).toBeUndefined();
        answers[index] = text;
      },
      onGivenUp: (index, why) => givenUp.push([index, why]),
      onNotice: (text) => notices.push(text),
      ...options,
    })
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  return { answers: answers.map((text) => text.split(" ")[2]), givenUp, notices, error };
}

const all = (count: number) => questions(count).map(({ messages }) => messages[0]!.content);

chatModelContract(
  "a model behind a server",
  async () => {
    const server = await new ModelServer(script).start();
    const model = await open(server);
    const dispose = model.dispose.bind(model);
    model.dispose = async () => {
      await dispose();
      await server.stop();
    };
    return model;
  },
  "script",
);

describe("a model behind a server", () => {
  it("has at most so many requests under way, in their order", async () => {
    const server = await startServer(undefined, 20);
    const model = await open(server);
    await ask(model, 12);
    expect(server.mostAtOnce).toBe(4);
    await ask(model, 6, { width: 2 });
    const asked = server.ledger.map(({ text }) => Number(text.slice(1)));
    for (const [place, number] of asked.slice(0, 12).entries()) {
      expect(Math.abs(number - place)).toBeLessThan(4);
    }
    const narrow = await startServer(undefined, 20);
    await ask(await open(narrow, {}, { parallel: 2 }), 6);
    expect(narrow.mostAtOnce).toBe(2);
  });

  it("asks again after 5xx, resets, cut streams and error lines, and passes on nothing of them", async () => {
    const faults = [
      { status: 500 },
      "reset",
      "reset half-way",
      "end half-way",
      "error line",
    ] as const;
    const server = await startServer((_asked, n) => faults[n - 1] ?? null);
    const { answers, error, notices } = await ask(await open(server, { failuresToOpen: 9 }), 8);
    expect([error, answers]).toEqual([null, all(8)]);
    expect(server.fired).toBe(5);
    expect(server.ledger).toHaveLength(13);
    expect(notices).toEqual(["5 tries had to be made again (unavailable 5)."]);
  });

  it("waits as long as Retry-After says, but not for ever", async () => {
    const waited = async (retryAfter: number) => {
      const server = await startServer((_a, n) => (n === 1 ? { status: 429, retryAfter } : null));
      const { error } = await ask(await open(server, {}, { sequences: 1 }), 1);
      expect([error, server.ledger.length]).toEqual([null, 2]);
      return server.ledger[1]!.at - server.ledger[0]!.at;
    };
    expect(await waited(0.2)).toBeGreaterThanOrEqual(200);
    // A day is more than is waited for.
    const capped = await waited(86_400);
    expect(capped).toBeGreaterThanOrEqual(300);
  });

  it("has fewer requests under way at a server that is busy", async () => {
    let busy = 6;
    const server = await startServer(() => (busy-- > 0 ? { status: 503 } : null), 10);
    const { answers, error, notices } = await ask(await open(server, {}, { sequences: 8 }), 20);
    expect([error, answers]).toEqual([null, all(20)]);
    expect(notices[0]).toMatch(/^The server is busy: [1-4] requests at once/);
  });

  it("has one bound for the first token and another between tokens", async () => {
    const server = await startServer((_a, n) =>
      n === 1 ? "hang" : n === 2 ? "hang half-way" : null,
    );
    const started = performance.now();
    const patience = { firstTokenMs: 400, nextTokenMs: 100, triesOfOne: 3 };
    const { answers, error } = await ask(await open(server, patience, { sequences: 1 }), 2);
    expect([error, answers, server.fired]).toEqual([null, all(2), 2]);
    expect(performance.now() - started).toBeGreaterThan(500);
    const slow = await startServer(undefined, 200);
    const calm = { firstTokenMs: 2_000, nextTokenMs: 50, triesOfOne: 1 };
    expect((await ask(await open(slow, calm), 1)).error).toBeNull();
  });

  it("leaves a server alone that is away, and goes on when it is back", async () => {
    const server = await startServer();
    const model = await open(server, { failuresToOpen: 2 });
    let stopped = false;
    let back: Promise<unknown> = Promise.resolve();
    const { answers, error, notices } = await ask(model, 30, {
      onTokens: () => {
        if (stopped) return;
        stopped = true;
        back = server.stop().then(() => new Promise((resolve) => setTimeout(resolve, 150)));
        back = back.then(() => server.start());
      },
    });
    await back;
    expect([error, answers]).toEqual([null, all(30)]);
    expect(notices[0]).toMatch(/is away/);
    expect(notices[1]).toMatch(/answers again/);
    const repeated = server.ledger.length - new Set(server.ledger.map(({ key }) => key)).size;
    expect(repeated).toBeLessThanOrEqual(4);
  });

  it("pauses the run, with its answers kept, when the server stays away", async () => {
    const server = await startServer();
    const model = await open(server, { awayMs: 1_500 });
    let stopped: Promise<void> | null = null;
    const { answers, error } = await ask(model, 30, {
      onTokens: () => {
        stopped ??= server.stop();
      },
    });
    await stopped;
    expect(error).toMatchObject({ kind: "paused", reason: "server" });
    expect(answers.length).toBeLessThan(30);
    await server.start();
    expect((await ask(model, 3)).answers).toEqual(all(3));
  });

  it("stops when the server is another model after it was away", async () => {
    const server = await startServer((_asked, n) => (n === 3 ? "reset" : null));
    const model = await open(server, {}, { sequences: 1 });
    server.digest = "b".repeat(64);
    const { answers, error } = await ask(model, 6);
    expect(error).toMatchObject({ kind: "state", exitCode: 7 });
    expect(answers).toEqual(all(2));
  });

  it("gives up what is refused and what the server breaks at each time, and nothing else", async () => {
    const server = await startServer(({ text }) =>
      text === "q1" ? { status: 400 } : text === "q3" ? { status: 500 } : null,
    );
    const { answers, givenUp, error } = await ask(await open(server, { triesOfOne: 3 }), 6);
    expect(error).toBeNull();
    expect(answers.filter(Boolean)).toEqual(["q0", "q2", "q4", "q5"]);
    const how = givenUp.sort(([a], [b]) => a - b).map(([index, why]) => [index, why.how]);
    expect(how).toEqual([
      [1, "refused"],
      [3, "failed"],
    ]);
    expect(server.ledger.filter(({ text }) => text === "q1")).toHaveLength(1);
    expect(server.ledger.filter(({ text }) => text === "q3")).toHaveLength(3);
  });

  it("takes no answer to a prompt that the server cut", async () => {
    const server = await startServer(({ text }) => (text === "q2" ? "cut" : null));
    const { answers, givenUp } = await ask(await open(server), 4);
    expect(answers.filter(Boolean)).toEqual(["q0", "q1", "q3"]);
    expect(givenUp[0]![1].reason).toMatch(/read 1 of the prompt's 3 tokens/);
    // Where lengths are not known for sure nothing can be said.
    const unsure = await open(server, {}, { countsExactly: false });
    expect((await ask(unsure, 4)).givenUp).toEqual([]);
  });

  it("fails with what is wrong where the key is, and leaves the server no second try", async () => {
    const server = await startServer(() => ({ status: 401 }));
    const { error } = await ask(await open(server, {}, { sequences: 1 }), 5);
    expect(error).toMatchObject({ kind: "model", hint: "Check apiKey." });
    expect(server.ledger).toHaveLength(1);
  });

  it("does not wait for a server that is away when it is drained", async () => {
    const server = await startServer(() => "reset");
    const drain = new AbortController();
    const model = await open(server, { retryMs: 60_000, longestRetryMs: 60_000 });
    const asked = ask(model, 8, { drain: drain.signal });
    while (server.ledger.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    drain.abort();
    expect((await asked).error).toBeNull();
  });

  it("refuses a context that is longer than the server's", async () => {
    const server = await startServer();
    await expect(open(server, {}, { contextTokens: 512 })).rejects.toMatchObject({
      kind: "usage",
      hint: expect.stringContaining("contextTokens: 512"),
    });
  });
});

/** Asks for several questions of its own. */
function askOf(model: RemoteModel, name: string, count: number, options: Partial<SampleOptions>) {
  const answered: string[] = [];
  const requests = Array.from({ length: count }, (_, n) => requestOf(`${name}${n}`));
  const done = model
    .sample(requests, {
      ...{ adapter: null, signal: never },
      onResult: (index) => answered.push(requests[index]!.messages[0]!.content),
      ...options,
    })
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  return { answered, done };
}

describe("a model behind a server that several runs ask at once", () => {
  it("has no more requests under way than one run may have", async () => {
    const server = await startServer(undefined, 10);
    const model = await open(server);
    const both = ["a", "b"].map((name) => askOf(model, name, 12, {}));
    expect(await Promise.all(both.map(({ done }) => done))).toEqual([null, null]);
    expect(both.map(({ answered }) => answered.length)).toEqual([12, 12]);
    expect(server.mostAtOnce).toBe(4);
    // In turn: the second does not wait for the first to end.
    expect(server.ledger.slice(0, 12).some(({ text }) => text.startsWith("b"))).toBe(true);
  });

  it("asks who the server is for all, also when one of them gives up waiting", async () => {
    const server = await startServer(undefined, 5);
    const model = await open(server, { failuresToOpen: 2, retryMs: 50, longestRetryMs: 50 });
    const stop = new AbortController();
    const notices: string[] = [];
    const onNotice = (text: string) => notices.push(text);
    const first = askOf(model, "a", 40, { signal: stop.signal, onNotice });
    const second = askOf(model, "b", 40, { onNotice });
    while (server.ledger.length < 12) await new Promise((resolve) => setTimeout(resolve, 2));
    await server.stop();
    while (!notices.some((text) => /is away/.test(text))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop.abort(new Error("the first run is stopped"));
    expect(await first.done).toMatchObject({ message: "the first run is stopped" });
    await server.start();
    expect(await second.done).toBeNull();
    expect(second.answered).toHaveLength(40);
    expect(notices.filter((text) => /is away/.test(text))).toHaveLength(2);
  });

  it("pauses the one that waits for a server that stays away after another has ended", async () => {
    const server = await startServer(undefined, 5);
    const model = await open(server, { awayMs: 1_500, retryMs: 50, longestRetryMs: 50 });
    const drain = new AbortController();
    const first = askOf(model, "a", 40, { drain: drain.signal });
    const second = askOf(model, "b", 40, {});
    while (server.ledger.length < 12) await new Promise((resolve) => setTimeout(resolve, 2));
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    drain.abort();
    expect(await first.done).toBeNull();
    expect(await second.done).toMatchObject({ kind: "paused", reason: "server" });
  });
});

describe("the wait before another try", () => {
  const patience = { ...usualPatience, firstTokenMs: 1, nextTokenMs: 1 };

  it("doubles up to a bound, depends on the seed alone, and heeds the server", () => {
    for (const failures of [1, 2, 3, 20]) {
      const most = Math.min(30_000, 500 * 2 ** (failures - 1));
      const delay = delayAfter(failures, 7, null, patience);
      expect(delay).toBeGreaterThanOrEqual(most / 2);
      expect(delay).toBeLessThanOrEqual(most);
      expect(delayAfter(failures, 7, null, patience)).toBe(delay);
      expect(delayAfter(failures, 8, null, patience)).not.toBe(delay);
    }
    expect(delayAfter(1, 7, 10_000, patience)).toBeGreaterThanOrEqual(10_000);
    expect(delayAfter(1, 7, 1e12, patience)).toBeLessThanOrEqual(600_500);
  });
});

describe("the throttle", () => {
  it("halves once for requests that were sent together, and grows again", async () => {
    const throttle = new Throttle(8);
    const permits = await Promise.all(Array.from({ length: 8 }, () => throttle.enter(never)));
    expect(permits.map((permit) => throttle.tooMany(permit))).toEqual([
      4,
      ...Array.from({ length: 7 }, () => null),
    ]);
    for (const _ of permits) throttle.leave();
    for (let answers = 0; answers < 4; answers++) throttle.answered();
    let entered = 0;
    for (let n = 0; n < 8; n++) void throttle.enter(never).then(() => entered++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(entered).toBe(5);
  });
});
