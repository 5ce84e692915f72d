import { afterEach, describe, expect, it } from "vitest";
import type { Notice } from "../../src/core/notify.js";
import { registerSecret } from "../../src/core/secrets.js";
import type { Channel } from "../../src/notify/channel.js";
import { createPost } from "../../src/notify/post.js";
import { ManualClock } from "../support/manual-clock.js";
import { type Answer, type Receiver, startReceiver } from "../support/receiver.js";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

const notice: Notice = {
  id: "notice_0123456789abcdef0123",
  run: "sums-1",
  round: 2,
  event: "rejected",
  title: "sums-1 round 2 rejected",
  text: "sums-1 round 2 rejected: gate +9.0 points – no",
  at: "2026-03-28T22:00:00.000Z",
};

const token = "tk_canary-0123456789";

async function serverWith(...answers: Answer[]): Promise<Receiver> {
  const receiver = await startReceiver(answers);
  cleanups.push(() => receiver.close());
  return receiver;
}

const channelTo = (url: string, changes: Partial<Channel> = {}): Channel => ({
  name: "webhook at example",
  kind: "webhook",
  url: new URL(url),
  token,
  click: null,
  ...changes,
});

function poster(timeout = 5_000) {
  const { post, close } = createPost(new ManualClock("2026-03-28T22:00:00Z"), timeout);
  cleanups.push(close);
  return (channel: Channel, signal = new AbortController().signal) => post(channel, notice, signal);
}

describe("a webhook", () => {
  it("gets JSON with an id, and the token as a header", async () => {
    const server = await serverWith(204);
    const delivery = await poster()(channelTo(`${server.url}/hook`));
    expect(delivery).toEqual({ kind: "delivered", status: 204 });
    const [request] = server.received;
    expect(request!.path).toBe("/hook");
    expect(request!.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": notice.id,
    });
    expect(JSON.parse(request!.body)).toEqual(notice);
  });
});

describe("ntfy", () => {
  it("gets the text as body; title, priority, tags, click and the id as headers", async () => {
    const server = await serverWith(200);
    const click = "https://example.org/dashboard";
    await poster()(channelTo(`${server.url}/topic`, { kind: "ntfy", click }));
    const [request] = server.received;
    expect(request!.body).toBe(notice.text);
    expect(request!.headers).toMatchObject({
      title: notice.title,
      priority: "2",
      tags: "x,redistill",
      click,
      "x-sequence-id": notice.id,
      authorization: `Bearer ${token}`,
    });
  });

  it("gets no header for what is not there", async () => {
    const server = await serverWith(200);
    await poster()(channelTo(server.url, { kind: "ntfy", token: null }));
    expect(server.received[0]!.headers).not.toHaveProperty("authorization");
    expect(server.received[0]!.headers).not.toHaveProperty("click");
  });
});

describe("a server that", () => {
  it.each([500, 503, 408, 425, 429])("answers %i is tried again", async (status) => {
    const server = await serverWith(status);
    expect(await poster()(channelTo(server.url))).toEqual({
      kind: "later",
      problem: `HTTP ${status}`,
      retryAfter: null,
    });
  });

  it.each([400, 401, 403, 404, 413])("answers %i is not", async (status) => {
    const server = await serverWith({ status, body: "no\n\u001b[2Jsuch topic" });
    expect(await poster()(channelTo(server.url))).toEqual({
      kind: "refused",
      problem: `HTTP ${status}: no [2Jsuch topic`,
    });
  });

  it.each([
    ["7", 7_000],
    ["Sat, 28 Mar 2026 22:01:30 GMT", 90_000],
    ["Sat, 28 Mar 2026 21:00:00 GMT", 0],
    ["soon", null],
  ])("says Retry-After: %s is waited for", async (value, milliseconds) => {
    const server = await serverWith({ status: 429, headers: { "retry-after": value } });
    expect(await poster()(channelTo(server.url))).toMatchObject({ retryAfter: milliseconds });
  });

  it("hangs before its headers is left after the time", async () => {
    const server = await serverWith("hang");
    expect(await poster(150)(channelTo(server.url))).toEqual({
      kind: "later",
      problem: "no answer for 0.15 s",
      retryAfter: null,
    });
  });

  it("drops or refuses the connection is tried again", async () => {
    const server = await serverWith("reset");
    const send = poster();
    expect(await send(channelTo(server.url))).toMatchObject({
      kind: "later",
      problem: "the connection was dropped",
    });
    await server.close();
    expect(await send(channelTo(server.url))).toMatchObject({
      kind: "later",
      problem: "the connection was refused",
    });
  });

  it("redirects to another host gets neither token nor message there", async () => {
    const other = await serverWith(200);
    const location = `${other.url}/hook`;
    const server = await serverWith({ status: 307, headers: { location } });
    const delivery = await poster()(channelTo(server.url));
    expect(delivery).toMatchObject({ kind: "refused" });
    expect(delivery).toHaveProperty("problem", expect.stringContaining(other.host));
    expect(other.received).toEqual([]);
  });

  it("redirects on its own host is followed, but not for ever", async () => {
    const once = { status: 308, headers: { location: "/moved" } };
    const server = await serverWith(once, 200);
    expect(await poster()(channelTo(`${server.url}/old`))).toMatchObject({ kind: "delivered" });
    expect(server.received.map(({ path }) => path)).toEqual(["/old", "/moved"]);
    expect(server.received[1]!.body).toBe(server.received[0]!.body);
    const circle = await serverWith(once);
    expect(await poster()(channelTo(circle.url))).toMatchObject({ kind: "refused" });
    expect(circle.received).toHaveLength(4);
  });

  it("quotes the token back does not get it into what is kept", async () => {
    registerSecret(token);
    const server = await serverWith("echo");
    const delivery = await poster()(channelTo(server.url));
    expect(delivery).toMatchObject({ kind: "later" });
    expect(JSON.stringify(delivery)).not.toContain(token);
    expect(JSON.stringify(delivery)).toContain("Bearer [secret]");
  });
});

describe("an attempt", () => {
  it("ends at once when it is told to", async () => {
    const server = await serverWith("hang");
    const controller = new AbortController();
    const sending = poster()(channelTo(server.url), controller.signal);
    controller.abort();
    await expect(sending).rejects.toThrow();
  });
});
