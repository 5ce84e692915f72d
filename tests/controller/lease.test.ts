import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type Held, type Processes, withLease } from "../../src/controller/lease.js";
import type { RedistillError } from "../../src/core/errors.js";
import { LeaseLostError, type LeaseOwner } from "../../src/store/leases.js";
import { Store } from "../../src/store/store.js";
import { ManualClock } from "../support/manual-clock.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const times = { beatMs: 1_000, durationMs: 10_000 };
const day = 24 * 3_600_000;
let path: string;
let clock: ManualClock;
let gone: Set<number>;
let ended: number[];

beforeEach(async () => {
  const where = mkdtempSync(join(tmpdir(), "redistill-"));
  path = join(where, "memory", "redistill.db");
  (await scriptedRun(where, sumsRecipe(where))).store.close();
  clock = new ManualClock();
  gone = new Set();
  ended = [];
});

function processes(pid: number, host = "here"): Processes {
  return {
    self: { host, pid, started: `${pid}` },
    isGone: (owner: LeaseOwner) => owner.host === host && gone.has(owner.pid),
    endWorker: (_owner, worker) => ended.push(worker.pid),
  };
}

/** A controller with a connection of its own that holds the lease until it is told to end. */
function controller(pid: number, host?: string) {
  const store = Store.open(path, "memory/migrations");
  let [end, hold] = [() => {}, (_: Held) => {}];
  const held = new Promise<Held>((resolve) => {
    hold = resolve;
  });
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  const options = { processes: processes(pid, host), clock, times };
  const work = withLease(
    store,
    "sums-1",
    { ...options, signal: new AbortController().signal },
    (lease) => {
      hold(lease);
      return done;
    },
  );
  const outcome = work.then(
    () => "ended",
    (error: RedistillError) => error,
  );
  return { store, held, end: () => end(), outcome };
}

const epoch = (store: Store) => store.leases.find("sums-1")?.epoch;
const write = (store: Store) =>
  store.transaction(() => store.events.append("sums-1", null, "test", {}));

describe("the lease of a run", () => {
  it("is refused to a second controller, given back at the end, and its epoch grows", async () => {
    const first = controller(1);
    await first.held;
    const refused = (await controller(2).outcome) as RedistillError;
    expect(refused.message).toBe("run sums-1 is being worked on by process 1");
    expect(refused.exitCode).toBe(7);
    first.end();
    expect(await first.outcome).toBe("ended");
    const third = controller(3);
    await third.held;
    expect(epoch(third.store)).toBe(2);
    third.end();
    await third.outcome;
  });

  it("of a process that is gone is taken over at once, and its trainer ended", async () => {
    const first = controller(1);
    (await first.held).watchWorker(() => ({ pid: 99, started: "99" }));
    await clock.pass(1_000);
    gone.add(1);
    const second = controller(2);
    await second.held;
    expect(epoch(second.store)).toBe(2);
    expect(ended).toEqual([99]);
  });

  it("of a machine that cannot be seen is taken over when it ran out and stays silent", async () => {
    const first = controller(1, "there");
    const lease = await first.held;
    expect(((await controller(2).outcome) as RedistillError).message).toContain("1 on there");
    clock.jump(10_001);
    const second = controller(2);
    // The first is alive: it is heard while the second listens.
    await clock.pass(2_000);
    expect(await second.outcome).toBeInstanceOf(Error);
    // Now it stands still: the connection of a suspended machine writes nothing.
    const before = first.store.leases.find("sums-1")?.beat;
    clock.jump(10_001);
    lease.store.leases.beat = () => {};
    const third = controller(3);
    await clock.pass(2_000);
    await third.held;
    expect(third.store.leases.find("sums-1")?.beat).toBe(before! + 1);
    expect(() => write(lease.store)).toThrow(LeaseLostError);
  });

  it.each([[30 * day], [-30 * day]])("survives a clock that jumps by %i ms", async (jump) => {
    const first = controller(1);
    await first.held;
    clock.jump(jump);
    const second = controller(2);
    await clock.pass(2_000);
    expect(((await second.outcome) as RedistillError).message).toContain("is being worked on");
    first.end();
    expect(await first.outcome).toBe("ended");
  });

  it("that was lost lets nothing be written, aborts the work and ends with 7", async () => {
    const first = controller(1);
    const lease = await first.held;
    gone.add(1);
    const second = controller(2);
    const owner = await second.held;
    const events = () => second.store.events.of("sums-1").length;
    const before = events();
    expect(() => write(lease.store)).toThrow(LeaseLostError);
    expect(events()).toBe(before);
    write(owner.store);
    expect(events()).toBe(before + 1);
    await clock.pass(1_000);
    expect(lease.signal.aborted).toBe(true);
    first.end();
    const error = (await first.outcome) as RedistillError;
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error.exitCode).toBe(7);
    // Giving up a lost lease does not take it from its new owner.
    expect(second.store.leases.find("sums-1")?.owner?.pid).toBe(2);
  });

  it("has an epoch that the database itself keeps from going back", async () => {
    const { store, held } = controller(1);
    await held;
    const raw = (store as unknown as { db: { exec(sql: string): void } }).db;
    expect(() => raw.exec("UPDATE leases SET epoch = 0")).toThrow();
    raw.exec("UPDATE leases SET epoch = 5");
    expect(() => raw.exec("UPDATE leases SET epoch = 4")).toThrow("only grows");
  });
});
