import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { throughHours } from "../../src/cli/hours.js";
import { PausedError } from "../../src/core/errors.js";
import type { Train } from "../../src/core/ports.js";
import { scheduleSchema } from "../../src/core/schedule.js";
import type { Script } from "../../src/models/scripted.js";
import { Hours, OutsideHours } from "../../src/schedule/index.js";
import { isOpen } from "../../src/schedule/windows.js";
import { digestOf } from "../support/digest.js";
import { FakeClock } from "../support/fake-clock.js";
import { learner, scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));
const tasks = folder();
const minute = 60_000;
const day = 24 * 60 * minute;
const nights = scheduleSchema.parse({ windows: ["22:00-07:00"], timeZone: "Europe/Berlin" });
/** 06:50 in Berlin. */
const almostMorning = "2026-11-24T05:50:00Z";

const databaseIn = (where: string) => join(where, "memory", "redistill.db");

/** A run whose answers take a second each, and its hours. */
async function nightly(
  where: string,
  clock: FakeClock,
  options: {
    until?: string;
    train?: Train;
    schedule?: typeof nights | null;
    seconds?: number;
  } = {},
) {
  const schedule = options.schedule === undefined ? nights : options.schedule;
  const hours = new Hours(schedule, options.until ?? null, clock);
  const at: Date[] = [];
  const script: Script = (request, adapter) => {
    at.push(clock.now());
    clock.advance((options.seconds ?? 1) * 1_000);
    return learner(request, adapter);
  };
  const train = options.train ?? scriptedTrain(where).train;
  const run = await scriptedRun(where, sumsRecipe(tasks), { script, train, clock, hours });
  const waiting = {
    ...{ store: run.store, runId: "sums-1", hours, clock },
    signal: new AbortController().signal,
    observe: () => {},
    release: async () => {},
  };
  return { ...run, hours, waiting, at };
}

const stateOf = ({ store }: Awaited<ReturnType<typeof nightly>>) => store.runs.find("sums-1")!;

describe("a run with a schedule", () => {
  let undisturbed: Record<string, string>;
  let paid = 0;
  beforeAll(async () => {
    const where = folder();
    const run = await nightly(where, new FakeClock(new Date(almostMorning)), { schedule: null });
    await run.work();
    paid = run.model.ledger.length;
    run.store.close();
    undisturbed = digestOf(databaseIn(where));
  });

  it("takes no new work when its window closes, keeps what was paid, and goes on in the next", async () => {
    const where = folder();
    const clock = new FakeClock(new Date(almostMorning));
    const run = await nightly(where, clock, { seconds: 30 });
    const error = await run.work().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutsideHours);
    expect((error as OutsideHours).opens).toEqual(new Date("2026-11-24T21:00:00Z"));
    // Ten minutes of half a minute each, in the middle of a stage.
    expect(run.model.ledger).toHaveLength(20);
    expect(stateOf(run).state).toBe("paused");
    expect(run.store.events.of("sums-1").at(-1)).toMatchObject({
      kind: "paused",
      payload: { cause: "window" },
    });
    expect(run.store.spend.byStage("sums-1")[0]?.calls).toBe(20);
    await throughHours(run.waiting, () => run.work());
    expect(run.model.ledger).toHaveLength(paid);
    expect(stateOf(run).state).toBe("finished");
    run.store.close();
    expect(digestOf(databaseIn(where))).toEqual(undisturbed);
  });

  it("through many short windows does the same work, and none of it outside", async () => {
    const where = folder();
    const clock = new FakeClock(new Date(almostMorning));
    const schedule = scheduleSchema.parse({
      windows: ["00:00-00:01", "06:00-06:02", "12:00–12:01"],
      timeZone: "Australia/Lord_Howe",
    });
    const run = await nightly(where, clock, { schedule });
    await throughHours(run.waiting, () => run.work());
    const outside = run.at.filter((time) => !isOpen(schedule, time));
    expect(outside).toEqual([]);
    expect(clock.sleeps.length).toBeGreaterThan(100);
    run.store.close();
    expect(digestOf(databaseIn(where))).toEqual(undisturbed);
  });

  it("with --until ends paused and says how to go on", async () => {
    const clock = new FakeClock(new Date("2026-11-24T01:00:00Z"));
    const run = await nightly(folder(), clock, { until: "02:05" });
    const error = await throughHours(run.waiting, () => run.work()).catch((e: unknown) => e);
    expect(error).toMatchObject({ reason: "window", exitCode: 75, opens: null });
    expect((error as PausedError).message).toContain("it is past 02:05");
    expect(run.model.ledger).toHaveLength(300);
    expect(clock.sleeps).toEqual([]);
    run.store.close();
  });

  /** A training that takes minutes, tells its progress each minute, and goes on where it was stopped. */
  function slowTrain(where: string, clock: FakeClock, minutes: number) {
    const begun: Date[] = [];
    let done = 0;
    const train: Train = async (job, options) => {
      begun.push(clock.now());
      for (; done < minutes; done++) {
        options.signal.throwIfAborted();
        clock.advance(minute);
        options.onProgress({
          step: done,
          steps: minutes,
          loss: 1,
          tokensPerSecond: 1,
          secondsLeft: 0,
        });
      }
      done = 0;
      const result = await scriptedTrain(where).train(job, options);
      return { ...result, seconds: minutes * 60 };
    };
    return { train, begun };
  }

  it("begins no training that cannot end before its window closes", async () => {
    const where = folder();
    const clock = new FakeClock(new Date("2026-11-24T05:00:00Z"));
    const { train, begun } = slowTrain(where, clock, 40);
    const run = await nightly(where, clock, { train, seconds: 0 });
    const error = await run.work().catch((reason: unknown) => reason);
    // The first was measured: 40 of the 60 minutes; the second has more examples and 20 minutes left.
    expect(begun).toEqual([new Date("2026-11-24T05:00:00Z")]);
    expect((error as Error).message).toMatch(
      /training takes about \d+ minutes and 20 minutes are left/,
    );
    await throughHours(run.waiting, () => run.work());
    expect(begun[1]).toEqual(new Date("2026-11-24T21:00:00Z"));
    expect(begun).toHaveLength(2);
    run.store.close();
    expect(digestOf(databaseIn(where))).toEqual(undisturbed);
  });

  it("stops a training that is longer than any window, and goes on with it in the next", async () => {
    const where = folder();
    const clock = new FakeClock(new Date("2026-11-24T05:00:00Z"));
    const { train, begun } = slowTrain(where, clock, 13 * 60);
    const run = await nightly(where, clock, { train, seconds: 0 });
    await throughHours(run.waiting, () => run.work());
    // One hour, a night of nine, three hours of the next; then the second training.
    expect(begun.map((date) => date.toISOString().slice(0, 16))).toEqual([
      "2026-11-24T05:00",
      "2026-11-24T21:00",
      "2026-11-25T21:00",
      "2026-11-26T00:00",
      "2026-11-26T21:00",
    ]);
    run.store.close();
    expect(digestOf(databaseIn(where))).toEqual(undisturbed);
  });

  it("waits in slices, so that a machine that slept goes on when it wakes in a window", async () => {
    const clock = new FakeClock(new Date("2026-11-24T06:30:00Z"));
    const run = await nightly(folder(), clock);
    // Closed at half past seven, and opened again at eleven in the evening.
    clock.onSleep = () => {
      clock.onSleep = () => {};
      clock.jump(15.5 * 60 * minute);
    };
    await throughHours(run.waiting, () => run.work());
    expect(clock.sleeps).toEqual([30_000]);
    run.store.close();
  });

  it.each([30, -30])(
    "goes by the wall clock when that jumps by %d days in a wait",
    async (days) => {
      const start = new Date("2026-11-24T20:00:00Z");
      const clock = new FakeClock(start);
      const run = await nightly(folder(), clock);
      clock.onSleep = () => {
        clock.onSleep = () => {};
        clock.jump(days * day);
      };
      await throughHours(run.waiting, () => run.work());
      // An hour until ten, whatever the date; the summer time of October ended the night before.
      expect(run.at[0]?.getTime()).toBe(start.getTime() + days * day + 60 * minute);
      run.store.close();
    },
  );

  it("notices in the middle of a stage that its window is over, after a sleep of the machine", async () => {
    const clock = new FakeClock(new Date("2026-11-24T01:00:00Z"));
    const run = await nightly(folder(), clock);
    let answers = 0;
    const sample = run.model.sample.bind(run.model);
    run.model.sample = (requests, options) =>
      sample(requests, {
        ...options,
        onResult: (index, generation) => {
          if (++answers === 10) clock.jump(9 * 60 * minute);
          options.onResult(index, generation);
        },
      });
    await expect(run.work()).rejects.toMatchObject({ opens: new Date("2026-11-24T21:00:00Z") });
    // The next one notices.
    expect(answers).toBe(11);
    run.store.close();
  });

  it("can be stopped while it waits", async () => {
    const clock = new FakeClock(new Date("2026-11-24T12:00:00Z"));
    const run = await nightly(folder(), clock);
    const stop = new AbortController();
    clock.onSleep = () => stop.abort();
    const waited = throughHours({ ...run.waiting, signal: stop.signal }, () => run.work());
    await expect(waited).rejects.toMatchObject({ kind: "interrupted", exitCode: 130 });
    expect(run.model.ledger).toEqual([]);
    run.store.close();
  });
});

describe("a run that is asked to pause", () => {
  it("ends its stage, is paused until the request is taken back, and ends the same", async () => {
    const where = folder();
    const clock = new FakeClock(new Date(almostMorning));
    const run = await nightly(where, clock, { schedule: null });
    let asked = false;
    const sample = run.model.sample.bind(run.model);
    run.model.sample = (requests, options) =>
      sample(requests, {
        ...options,
        onResult: (index, generation) => {
          if (!asked) run.store.transaction(() => run.store.requests.pause("sums-1"));
          asked = true;
          options.onResult(index, generation);
        },
      });
    await expect(run.work()).rejects.toMatchObject({ reason: "request", exitCode: 75 });
    expect(run.store.rounds.stages("sums-1").map(({ stage }) => stage)).toEqual([
      "elicit",
      "generate",
    ]);
    expect(stateOf(run).state).toBe("paused");
    // The request outlives the process that it was made to.
    await expect(throughHours(run.waiting, () => run.work())).rejects.toBeInstanceOf(PausedError);
    expect(run.store.transaction(() => run.store.requests.takeBack("sums-1"))).toBe(true);
    await run.work();
    expect(stateOf(run).state).toBe("finished");
    run.store.close();
  });
});
