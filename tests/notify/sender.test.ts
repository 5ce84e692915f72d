import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.js";
import { recipeSchema } from "../../src/core/recipe.js";
import type { Channel } from "../../src/notify/channel.js";
import { longestDelay, mostAttempts, retryDelay } from "../../src/notify/delay.js";
import { createPost } from "../../src/notify/post.js";
import { type Outbox, Sender, type SenderOptions } from "../../src/notify/sender.js";
import { Store } from "../../src/store/store.js";
import { ManualClock } from "../support/manual-clock.js";
import { type Answer, startReceiver } from "../support/receiver.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

/** A real outbox in a real database file, with a run to belong to. */
function outboxWith(...channels: string[]) {
  const path = join(mkdtempSync(join(tmpdir(), "redistill-outbox-")), "redistill.db");
  const store = Store.open(path, "memory/migrations");
  cleanups.push(() => store.close());
  const tasks = { source: "orders", train: 1, gate: 1 };
  store.runs.create({
    id: "sums-1",
    recipe: recipeSchema.parse({ name: "sums", rounds: 1, tasks }),
    modelDigest: "d",
    modelPath: "m",
    modelSha256: "s",
    recipeHash: "h",
    folder: "runs/sums-1",
    prompts: [],
  });
  const shared = { run: "sums-1", round: 1, text: "text", at: "2026-03-28T22:00:00.000Z" };
  for (const [index, channel] of channels.entries()) {
    const notice = { ...shared, event: "promoted", title: `message ${index + 1}` };
    store.outbox.add(notice, channel, index + 1);
  }
  const outbox: Outbox = {
    waiting: () => store.outbox.waiting("sums-1"),
    sent: (id) => store.outbox.sent(id),
    failed: (id, problem, at) => store.outbox.failed(id, problem, at),
    giveUp: (id, problem) => store.outbox.giveUp(id, problem),
  };
  return { outbox, counts: () => store.outbox.counts("sums-1") };
}

async function channelWith(...answers: Answer[]) {
  const receiver = await startReceiver(answers);
  cleanups.push(() => receiver.close());
  const url = new URL(receiver.url);
  const channel: Channel = {
    name: `webhook at ${url.host}`,
    kind: "webhook",
    url,
    token: null,
    click: null,
  };
  const titles = () => receiver.received.map(({ body }) => JSON.parse(body).title);
  const ids = () => receiver.received.map(({ body }) => JSON.parse(body).id);
  return { channel, titles, ids };
}

function senderWith(options: Pick<SenderOptions, "outbox" | "channels"> & Partial<SenderOptions>) {
  const clock = options.clock ?? new ManualClock();
  const { post, close } = createPost(clock, 2_000);
  cleanups.push(close);
  const notes: string[] = [];
  const note = (text: string) => notes.push(text);
  return { sender: new Sender({ post, clock, seed: 7, note, ...options }), notes };
}

describe("the sender", () => {
  it("sends what waits, in order, and nothing twice", async () => {
    const { outbox, counts } = outboxWith("a", "a", "a");
    const { channel, titles } = await channelWith(200);
    const { sender } = senderWith({ outbox, channels: new Map([["a", channel]]) });
    await sender.sendDue();
    await sender.sendDue();
    expect(titles()).toEqual(["message 1", "message 2", "message 3"]);
    expect(counts()).toEqual({ sent: 3, waiting: 0, givenUp: 0, problem: null });
  });

  it("tries again under the same id, after the delay and not before", async () => {
    const { outbox, counts } = outboxWith("a", "a");
    const { channel, titles, ids } = await channelWith(500, 500, 200);
    const clock = new ManualClock();
    const { sender, notes } = senderWith({
      outbox,
      clock,
      channels: new Map([["a", channel]]),
    });
    await sender.sendDue();
    const [first] = ids();
    clock.advance(retryDelay(7, first, 1, null) - 1);
    await sender.sendDue();
    expect(titles()).toEqual(["message 1"]);
    expect(counts()).toMatchObject({ waiting: 2, problem: expect.stringContaining("HTTP 500") });
    clock.advance(1);
    await sender.sendDue();
    expect(titles()).toEqual(["message 1", "message 1"]);
    clock.advance(retryDelay(7, first, 2, null));
    await sender.sendDue();
    expect(titles()).toEqual(["message 1", "message 1", "message 1", "message 2"]);
    expect(ids().slice(0, 3)).toEqual([first, first, first]);
    expect(ids()[3]).not.toBe(first);
    expect(counts()).toMatchObject({ sent: 2, waiting: 0 });
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain("HTTP 500");
    expect(notes[1]).toContain("works again");
  });

  it("honours Retry-After, but not beyond the longest delay", async () => {
    const { outbox } = outboxWith("a");
    const { channel, titles } = await channelWith(
      { status: 429, headers: { "retry-after": "120" } },
      { status: 503, headers: { "retry-after": "864000" } },
      200,
    );
    const clock = new ManualClock();
    const { sender } = senderWith({ outbox, clock, channels: new Map([["a", channel]]) });
    await sender.sendDue();
    clock.advance(119_999);
    await sender.sendDue();
    expect(titles()).toHaveLength(1);
    clock.advance(1);
    await sender.sendDue();
    expect(titles()).toHaveLength(2);
    clock.advance(longestDelay);
    await sender.sendDue();
    expect(titles()).toHaveLength(3);
  });

  it("gives up after so many attempts, says so, and goes on with the next message", async () => {
    const { outbox, counts } = outboxWith("a", "a");
    const { channel, titles } = await channelWith(...Array(mostAttempts).fill(500), 200);
    const clock = new ManualClock();
    const { sender, notes } = senderWith({ outbox, clock, channels: new Map([["a", channel]]) });
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      await sender.sendDue();
      clock.advance(longestDelay);
    }
    expect(titles()).toEqual([...Array(mostAttempts).fill("message 1"), "message 2"]);
    expect(counts()).toMatchObject({ sent: 1, waiting: 0, givenUp: 1 });
    expect(notes.some((text) => text.includes("given up"))).toBe(true);
  });

  it("gives up at once what is refused", async () => {
    const { outbox, counts } = outboxWith("a", "a");
    const { channel } = await channelWith(403, 200);
    const { sender } = senderWith({ outbox, channels: new Map([["a", channel]]) });
    await sender.sendDue();
    expect(counts()).toMatchObject({ sent: 1, givenUp: 1 });
  });

  it("lets no channel wait for another", async () => {
    const { outbox, counts } = outboxWith("slow", "quick", "missing", "gone");
    const slow = await channelWith("hang");
    const quick = await channelWith(200);
    const channels = new Map([
      ["slow", slow.channel],
      ["quick", quick.channel],
      ["missing", null],
    ]);
    const { sender } = senderWith({ outbox, channels });
    await sender.sendDue();
    expect(quick.titles()).toEqual(["message 2"]);
    expect(counts()).toEqual({
      sent: 1,
      waiting: 2,
      givenUp: 1,
      problem: "its channel left the recipe",
    });
  });

  it("keeps its delays over a restart, and is not misled by a clock that was set back", async () => {
    const { outbox } = outboxWith("a");
    const { channel, titles } = await channelWith(500, 500, 200);
    const clock = new ManualClock();
    const channels = new Map([["a", channel]]);
    const restart = () => senderWith({ outbox, clock, channels }).sender.sendDue();
    await restart();
    await restart();
    expect(titles()).toHaveLength(1);
    clock.advance(longestDelay);
    await restart();
    expect(titles()).toHaveLength(2);
    clock.set("2026-02-26T00:00:00Z");
    await restart();
    expect(titles()).toHaveLength(3);
  });

  it("does not send again what it could not write down as sent", async () => {
    const { outbox } = outboxWith("a");
    const { channel, titles } = await channelWith(200);
    let full = true;
    const sent = (id: string) => {
      if (full) throw new Error("the disk is full");
      outbox.sent(id);
    };
    const clock = new ManualClock();
    const { sender, notes } = senderWith({
      outbox: { ...outbox, sent },
      clock,
      channels: new Map([["a", channel]]),
    });
    await sender.sendDue();
    clock.advance(60_000);
    await sender.sendDue();
    expect(notes).toEqual([expect.stringContaining("the disk is full")]);
    full = false;
    clock.advance(60_000);
    await sender.sendDue();
    expect(titles()).toHaveLength(1);
    expect(outbox.waiting()).toEqual([]);
  });
});

describe("the end of the process", () => {
  it("still sends what has just happened", async () => {
    const { outbox, counts } = outboxWith("a", "a");
    const { channel } = await channelWith(200);
    const { sender } = senderWith({
      outbox,
      clock: systemClock,
      channels: new Map([["a", channel]]),
    });
    await sender.finish(5_000);
    expect(counts()).toMatchObject({ sent: 2, waiting: 0 });
  });

  it("does not wait for a server that hangs, and leaves the message for the next start", async () => {
    const { outbox, counts } = outboxWith("a");
    const hanging = await channelWith("hang");
    const { sender } = senderWith({
      outbox,
      clock: systemClock,
      channels: new Map([["a", hanging.channel]]),
    });
    sender.start();
    const begun = performance.now();
    await sender.finish(200);
    expect(performance.now() - begun).toBeLessThan(1_500);
    expect(counts()).toMatchObject({ sent: 0, waiting: 1 });
    const { channel, ids } = await channelWith(200);
    const next = senderWith({ outbox, clock: systemClock, channels: new Map([["a", channel]]) });
    await next.sender.finish(5_000);
    expect(ids()).toEqual(hanging.ids());
    expect(counts()).toMatchObject({ sent: 1, waiting: 0 });
  });

  it("does not wait for a message whose time is far", async () => {
    const { outbox } = outboxWith("a");
    const { channel, titles } = await channelWith({
      status: 429,
      headers: { "retry-after": "600" },
    });
    const { sender } = senderWith({
      outbox,
      clock: systemClock,
      channels: new Map([["a", channel]]),
    });
    const begun = performance.now();
    await sender.finish(5_000);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(titles()).toHaveLength(1);
  });
});

describe("the delay", () => {
  it("doubles with jitter of its upper half, the same for the same seed", () => {
    for (const attempts of [1, 2, 5, 9, 20]) {
      const full = Math.min(longestDelay, 5_000 * 2 ** (attempts - 1));
      const delay = retryDelay(1, "x", attempts, null);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
      expect(retryDelay(1, "x", attempts, null)).toBe(delay);
      expect(retryDelay(2, "x", attempts, null)).not.toBe(delay);
    }
  });
});
