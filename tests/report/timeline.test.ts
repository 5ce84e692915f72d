import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

let folder: string;
let store: Store;

/** The store writes down the time itself: it gets this one. */
const at = (time: string) => vi.setSystemTime(`2026-03-${time}:00Z`);
const event = (time: string, kind: string, payload = {}, round: number | null = null) => {
  at(time);
  store.events.append("sums-1", round, kind, payload);
};
const stage = (time: string, name: string, seconds: number, round = 1) => {
  at(time);
  store.rounds.commitStage("sums-1", round, { name, rows: {}, summary: {}, seconds });
};
const call = (time: string, key: string, stageName: string) => {
  at(time);
  const sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 8, seed: 1 };
  const tokens = { promptTokens: 30, evaluatedPromptTokens: 20, completionTokens: 5 };
  store.calls.record(
    key,
    { messages: [{ role: "user", content: key }], sampling },
    { digest: "learner", adapter: null },
    { text: "7", stopReason: "end", durationMs: 10, ...tokens },
    { runId: "sums-1", round: 1, stage: stageName },
  );
};
const timeline = (zone = "UTC") =>
  readReport(store, "sums-1", zone).howItWent.timeline.map(
    ({ at: time, text, times }) =>
      `${time.slice(8, 10)} ${time.slice(11, 16)} ${text}${times > 1 ? ` × ${times}` : ""}`,
  );

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  at("10T22:00");
  folder = mkdtempSync(join(tmpdir(), "redistill-timeline-"));
  store = (await scriptedRun(folder, sumsRecipe(folder))).store;
});

afterEach(() => {
  store.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe("the timeline", () => {
  it("has an undisturbed round in one line", () => {
    event("10T22:00", "started");
    store.rounds.begin("sums-1", 1, null);
    stage("10T22:10", "elicit", 0.2);
    stage("10T22:40", "generate", 1800);
    event("10T22:40", "rejected", { reason: "not shown to be better: gate +1.0 points" }, 1);
    expect(timeline()).toEqual([
      "10 22:00 Started",
      "10 22:00 10m 00s unaccounted for: the machine slept, or its clock was changed",
      "10 22:09 Round 1: elicit <1s, generate 30m 00s",
      "10 22:40 Round 1 rejected: not shown to be better: gate +1.0 points",
      "10 22:40 The last trace: it is still running, or its process is gone; `redistill status` says which",
    ]);
  });

  it("explains every gap: a stop, a kill, a pause, a failure", () => {
    event("10T22:00", "started");
    store.rounds.begin("sums-1", 1, null);
    call("10T22:20", "a", "generate");
    call("10T22:30", "b", "generate");
    event("10T22:30", "interrupted", { reason: "stopped by request" });
    event("11T04:42", "resumed");
    stage("11T04:52", "generate", 600);
    call("11T05:12", "c", "critique");
    event("11T05:40", "resumed");
    stage("11T05:50", "critique", 600);
    event("11T05:50", "paused", { reason: "the night's tokens are spent", cause: "budget" });
    event("11T22:00", "resumed");
    event("11T22:01", "failed", { reason: "disk <full>" });
    event("11T22:11", "resumed");
    expect(timeline()).toEqual([
      "10 22:00 Started",
      "10 22:00 Round 1: generate under way, 2 answers paid for and kept",
      "10 22:30 Interrupted: stopped by request",
      "10 22:30 Not running for 6h 12m: stopped by request",
      "11 04:42 Resumed",
      "11 04:42 Round 1: generate 10m 00s",
      "11 04:52 Round 1: critique under way, 1 answer paid for and kept",
      "11 05:12 Not running for 28m 00s: the process was gone (killed or crashed) from about then",
      "11 05:40 Resumed",
      "11 05:40 Round 1: critique 10m 00s",
      "11 05:50 Paused: the night's tokens are spent (cause budget)",
      "11 05:50 Not running for 16h 10m: waiting (budget)",
      "11 22:00 Resumed",
      "11 22:01 Failed: disk <full>",
      "11 22:01 Not running for 10m 00s: it had failed",
      "11 22:11 Resumed",
      "11 22:11 The last trace: it is still running, or its process is gone; `redistill status` says which",
    ]);
    expect(readReport(store, "sums-1").howItWent).toMatchObject({
      interruptions: 1,
      crashes: 1,
      resumes: 4,
      pauses: [{ what: "budget", count: 1 }],
      failures: ["disk <full>"],
    });
  });

  it("is in Markdown, on the terminal and in the page, in the reader's time zone", () => {
    event("10T22:00", "started");
    event("10T22:05", "failed", { reason: "disk <full>" });
    const report = readReport(store, "sums-1", "Asia/Tokyo");
    expect(renderMarkdown(report)).toContain("- 11 Mar 07:05  Failed: disk \\<full\\>");
    expect(renderTerminal(report)).toContain("  11 Mar 07:05  Failed: disk <full>");
    expect(renderTerminal(report)).toContain("Not running since: it had failed");
    const items = elementsOf(parseHtml(renderHtml(report))).filter(({ name }) => name === "li");
    expect(items.map(textOf)).toContain("11 Mar 07:05Failed: disk <full>");
    expect(renderHtml(report)).toContain("Times are those of Asia/Tokyo");
  });

  it("shows events that it does not know with what they say, repeated ones once", () => {
    event("10T22:00", "started");
    for (const minute of [1, 2, 3]) event(`10T22:0${minute}`, "retried", { reason: "HTTP 503" });
    event("10T22:04", "quarantined", { item: "attempt_1", failures: 3 }, 1);
    event("10T22:05", "rolled_back", { text: "round 3 collapsed", to: null, share: 0.25 }, 3);
    event("10T22:06", "finished", { incumbent: null });
    expect(timeline()).toEqual([
      "10 22:00 Started",
      "10 22:01 Retried: HTTP 503 × 3",
      "10 22:04 Round 1 quarantined: failures 3, item attempt_1",
      "10 22:05 Round 3 rolled back: round 3 collapsed (share 0.25)",
      "10 22:06 Finished",
    ]);
    const text = renderTerminal(readReport(store, "sums-1"));
    expect(text).toContain("Retried: HTTP 503 (3 times in a row)");
    expect(text).toContain("retried: 3 times");
    expect(text).toContain("Never stopped.");
  });

  it("puts what happened during a stage after its beginning", () => {
    event("10T22:00", "started");
    store.rounds.begin("sums-1", 1, null);
    event("10T22:08", "warned", { reason: "many alike" }, 1);
    stage("10T22:10", "generate", 600);
    event("10T22:11", "finished");
    expect(timeline()).toEqual([
      "10 22:00 Started",
      "10 22:00 Round 1: generate 10m 00s",
      "10 22:08 Round 1 warned: many alike",
      "10 22:11 Finished",
    ]);
  });

  it("keeps to the order of what happened when the clock is set back", () => {
    event("10T22:00", "started");
    event("10T22:30", "interrupted", { reason: "stopped by request" });
    event("09T10:00", "resumed");
    expect(timeline().slice(1, 4)).toEqual([
      "10 22:30 Interrupted: stopped by request",
      "10 22:30 Not running for a time that is not known, since the clock was set back: stopped by request",
      "09 10:00 Resumed",
    ]);
  });

  it("leaves the middle of a long one out, and says so", () => {
    for (let i = 0; i < 200; i++) {
      event("10T22:00", i % 2 ? "interrupted" : "resumed", { reason: `stop ${i}` });
    }
    const terminal = renderTerminal(readReport(store, "sums-1"));
    expect(terminal).toContain("lines left out");
    expect(terminal).toContain("Interrupted: stop 1\n");
    expect(terminal).toContain("Interrupted: stop 199\n");
    expect(terminal).not.toContain("Interrupted: stop 101\n");
  });
});
