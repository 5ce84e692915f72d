import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readReport, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redistill-report-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (at = folder, options: Parameters<typeof scriptedRun>[2] = {}) =>
  scriptedRun(at, sumsRecipe(folder), options);

/** A model that training changes nothing about. */
const stubborn: typeof learner = (request) => learner(request, null);

describe("a run that promoted", () => {
  it("says in the first sentence what the sealed suite says, with its interval", async () => {
    const { store, work } = await run();
    await work();
    const report = readReport(store, "sums-1");
    expect(report.promoted).toBeGreaterThan(0);
    expect(report.headline).toMatch(
      /^sums-1: accuracy on 20 sealed tasks went from \d+\.\d% to \d+\.\d%: \+\d+\.\d points, 95% interval [+-]\d+\.\d to \+\d+\.\d, p [<=] /,
    );
    expect(report.suites.map(({ suite }) => suite)).toEqual(["sealed", "gate"]);
    const markdown = renderMarkdown(report);
    expect(markdown).toContain("the gate suite chose the winner");
    expect(markdown).toContain("Looks at the gate: 2 of 2 planned; each tested one-sided at 0.025");
    expect(markdown).toMatch(/### Wrong before, right now: 4 of \d+, chosen by the run's seed/);
    expect(markdown).toContain("## From draft to revision");
    expect(markdown).toContain("Critique: `The sum is off.`");
    store.close();
  });

  it("has figures that agree with the rows", async () => {
    const { store, work } = await run();
    await work();
    const report = readReport(store, "sums-1");
    const [first] = report.rounds;
    const rows = store.rounds.load("sums-1", 1);
    expect(first?.attempts.ok).toBe(rows.attempts.filter((a) => a.verdict.outcome === "ok").length);
    expect(first?.revisions.ok).toBe(
      rows.revisions.filter((r) => r.verdict.outcome === "ok").length,
    );
    const { attempt, revision, replay } = first!.examples;
    expect(attempt + revision + replay).toBe(rows.examples.length);
    expect(first?.refused.reduce((sum, { count }) => sum + count, 0)).toBe(rows.refusals.length);
    const { comparison } = report.suites[0]!;
    expect(report.changes).toMatchObject({ gained: comparison!.gained, lost: comparison!.lost });
    expect(report.howItWent.stages.reduce((sum, { calls }) => sum + calls, 0)).toBe(
      store.spend.byStage("sums-1").reduce((sum, { calls }) => sum + calls, 0),
    );
    store.close();
  });

  it("gives the same bytes each time, and after a disturbance but for how it went", async () => {
    const calm = await run();
    await calm.work();
    const first = readReport(calm.store, "sums-1");
    expect(renderMarkdown(readReport(calm.store, "sums-1"))).toBe(renderMarkdown(first));

    const abort = new AbortController();
    let answered = 0;
    const disturbed = await run(join(folder, "disturbed"), {
      script: (request, adapter) => {
        if (++answered === 100) abort.abort();
        return learner(request, adapter);
      },
    });
    await expect(disturbed.work(abort.signal)).rejects.toThrow(/was stopped/);
    await disturbed.work();
    const second = readReport(disturbed.store, "sums-1");
    expect(second.howItWent).toMatchObject({ interruptions: 1, resumes: 1, crashes: 0 });
    expect(renderMarkdown(second)).toContain("Stopped on request once, resumed once");
    expect({ ...second, howItWent: null }).toEqual({ ...first, howItWent: null });
    const rest = (text: string) => text.split("## How it went")[0];
    expect(rest(renderMarkdown(second))).toBe(rest(renderMarkdown(first)));
    expect(rest(renderMarkdown(second))).toContain("## What this rests on");
    calm.store.close();
    disturbed.store.close();
  });
});

describe("a run that did not promote", () => {
  it("says so plainly", async () => {
    const { store, work } = await run(folder, { script: stubborn });
    await work();
    const report = readReport(store, "sums-1");
    expect(report.headline).toMatch(
      /^sums-1: No round was promoted; the base weights are still the incumbent \(\d+\.\d% of 20 sealed tasks\)$/,
    );
    expect(report.changes).toBeNull();
    const markdown = renderMarkdown(report);
    expect(markdown).toContain("Round 1 rejected: not shown to be better");
    expect(markdown).not.toContain("redistill export");
    expect(renderTerminal(report)).toContain("Incumbent: the base weights");
    store.close();
  });
});

describe("an unfinished run", () => {
  it("is reported as far as it came", async () => {
    const abort = new AbortController();
    const { store, work, seen } = await run(folder, {
      script: (request, adapter) => {
        if (seen.some((each) => each.kind === "decision")) abort.abort();
        return learner(request, adapter);
      },
    });
    await expect(work(abort.signal)).rejects.toThrow();
    const report = readReport(store, "sums-1");
    expect(report.headline).toMatch(/^sums-1 is unfinished, 1 of 2 rounds decided: /);
    expect(report.headline).toContain("60 gate tasks");
    expect(report.headline).toContain("slightly flattering");
    expect(renderMarkdown(report)).toContain("redistill resume sums-1");
    store.close();
  });

  it("has a report before its first round", async () => {
    const { store } = await run();
    const report = readReport(store, "sums-1");
    expect(report.headline).toBe(
      "sums-1 is unfinished, 0 of 2 rounds decided: no round has been decided yet",
    );
    expect(renderTerminal(report)).toContain("redistill resume sums-1");
    expect(() => readReport(store, "sums-9")).toThrow(/no run sums-9/);
    store.close();
  });

  it("counts crashes and failures from the events", async () => {
    const { store } = await run();
    for (const kind of ["started", "resumed", "failed", "resumed", "interrupted", "resumed"]) {
      store.events.append("sums-1", null, kind, kind === "failed" ? { reason: "disk <full>" } : {});
    }
    const { howItWent } = readReport(store, "sums-1");
    expect(howItWent).toMatchObject({ crashes: 1, interruptions: 1, resumes: 3 });
    expect(renderMarkdown(readReport(store, "sums-1"))).toContain("Failed: disk \\<full\\>");
    store.close();
  });
});

describe("what models write", () => {
  it("is counted as ungradable where it cannot be read, and shown", async () => {
    const { store, work } = await run(folder, {
      script: (request, adapter) =>
        adapter === null && learner(request, null).endsWith("7")
          ? "no idea"
          : learner(request, adapter),
    });
    await work();
    const report = readReport(store, "sums-1");
    expect(report.suites[0]?.base.ungradable).toBeGreaterThan(0);
    const markdown = renderMarkdown(report);
    expect(markdown).toMatch(/Ungradable answers: \d+ before, 0 now/);
    expect(markdown).toMatch(/both answered readably/);
    expect(markdown).toMatch(/\d+\/80 \(\d+ ungradable\)/);
    store.close();
  });

  it("cannot act in the report or on the terminal", async () => {
    const hostile =
      "\u001b]0;owned\u0007\u001b[2J<script>alert(1)</script> ```\n# big\n| a | b |\n[x](https://evil.example) ![i](https://evil.example/i.png) \u202egnp\u009b31m";
    const { store, work } = await run(folder, {
      script: (request, adapter) => {
        const text = learner(request, adapter);
        return text === "The sum is off." || adapter === null ? `${hostile} ${text}` : text;
      },
    });
    await work();
    const report = readReport(store, "sums-1");
    const markdown = renderMarkdown(report);
    const terminal = renderTerminal(report);
    expect(report.changes?.better.length).toBeGreaterThan(0);
    expect(markdown).toContain("alert(1)");
    for (const text of [markdown, terminal]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be absent
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
    // Outside of code spans no text of the model is left.
    const outside = markdown.replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, "");
    expect(outside).not.toMatch(/<script|alert|evil|owned|# big/);
    store.close();
  });
});
