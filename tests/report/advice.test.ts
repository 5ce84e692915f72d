import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RedistillError } from "../../src/core/errors.js";
import type { Train } from "../../src/core/ports.js";
import { readReport, renderHtml, renderMarkdown } from "../../src/report/index.js";
import type { RunReport } from "../../src/report/report.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { learner, scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redistill-advice-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function reportOf(
  options: Parameters<typeof scriptedRun>[2],
  changes: Record<string, unknown> = {},
): Promise<RunReport> {
  const { store, work } = await scriptedRun(folder, sumsRecipe(folder, changes), options);
  await work();
  const report = readReport(store, "sums-1", "UTC");
  store.close();
  return report;
}

const adviceOf = ({ advice }: RunReport) =>
  advice.map(({ text, command, because }) => `${text} ${command ?? ""} ${because}`).join("\n");

/** 40 questions of another kind; each is in words of its own, so that none resembles another. */
function retentionFile(): string {
  const path = join(folder, "retention.jsonl");
  const lines = Array.from({ length: 40 }, (_, i) => {
    const word = `${String.fromCharCode(97 + (i % 26)).repeat(3)}${i}`;
    return JSON.stringify({ prompt: `${word} ${word}s?`, reference: `yes ${i}.` });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** Learns sums and forgets everything else. */
const forgetful: typeof learner = (request, adapter) => {
  const question = /^[a-z]+(\d+) /.exec(request.messages.at(-1)?.content ?? "");
  if (!question) return learner(request, adapter);
  return adapter === null || Number(question[1]) % 2 ? `yes ${question[1]}.` : "no idea";
};

describe("a run rejected for forgetting", () => {
  it("says which bound decided, shows what was forgotten, and advises gentler training", async () => {
    const retention = { path: retentionFile(), margin: 0.1 };
    const report = await reportOf({ script: forgetful }, { retention });
    expect(report.promoted).toBe(0);
    const markdown = renderMarkdown(report);
    expect(markdown).toContain("Round 1 rejected: forgets too much");
    expect(markdown).toMatch(
      /Retention, 40 tasks, against the base weights: 100\.0% → 50\.0%, 0 gained, 20 lost; -50\.0 points, at worst -\d+\.\d, allowed -10\.0: forgets too much\./,
    );
    expect(markdown).toContain("Decided by the retention margin; on the gate suite it was better.");
    expect(adviceOf(report)).toContain("halve retrain.learningRate (now 0.001)");
    expect(adviceOf(report)).toContain("rehearse general prompts (curate.replay)");
    expect(report.best).toBeNull();
    expect(report.forgotten).toMatchObject({ suite: "retention", lost: 20, gained: 0 });
    expect(report.forgotten!.worse).toHaveLength(3);
    expect(report.forgotten!.worse[0]!.after).toMatchObject({
      answer: "no idea",
      outcome: "wrong",
    });
    const text = textOf(elementsOf(parseHtml(renderHtml(report)))[0]!);
    expect(text).toContain(
      "Forgotten: 3 of 20, chosen by the run's seed (retention suite, round 2's candidate)",
    );
    expect(text).toContain("largest loss allowed");
  });
});

describe("a run that was not shown to be better", () => {
  it("says what its gate suite can see, and how large it would have to be", async () => {
    const slight: typeof learner = (request, adapter) => {
      const before = learner(request, null);
      const tenth = request.messages.at(-1)!.content.includes("0.");
      return adapter !== null && tenth ? learner(request, adapter) : before;
    };
    const report = await reportOf({ script: slight });
    const { gate } = report.rounds[0]!.decision!;
    expect(report.rounds[0]!.decision!.outcome).toBe("rejected");
    expect(gate!.difference).toBeGreaterThan(0);
    expect(adviceOf(report)).toMatch(
      /More gate tasks \(tasks\.gate\)\. With 60 gate tasks and as many losses \(0\.0%\), a true gain of about \+1\d\.\d points is found 4 times in 5/,
    );
    expect(adviceOf(report)).toMatch(/it would take about \d+ gate tasks/);
    expect(renderMarkdown(report)).toContain("Decided by the gate's level.");
    expect(report.changes).toMatchObject({ suite: "gate", after: "round 2's candidate" });
  });

  it("does not ask for gate tasks where there was no gain at all", async () => {
    const stubborn: typeof learner = (request) => learner(request, null);
    const advice = adviceOf(await reportOf({ script: stubborn }));
    expect(advice).toContain("no better even by its plain score");
    expect(advice).not.toContain("More gate tasks");
  });
});

describe("rounds without a candidate", () => {
  it("are told to help the teacher where nothing was solved", async () => {
    const hopeless: typeof learner = () => "0";
    const advice = adviceOf(await reportOf({ script: hopeless }));
    expect(advice).toContain("more generate.attempts (now 4), teacher.hint: true");
    expect(advice).toContain("Rounds 1, 2 had no right answer to train on.");
  });

  it("are told to train at a lower rate where the loss became no number", async () => {
    const train: Train = async () => {
      const error = new RedistillError("training", "the loss is NaN", "Lower the rate.");
      throw Object.assign(error, { fault: "nan_loss" });
    };
    const advice = adviceOf(await reportOf({ train }));
    expect(advice).toContain("Lower retrain.learningRate (now 0.001).");
    expect(advice).not.toContain("Help the teacher");
  });

  it("are told about the form where answers cannot be read", async () => {
    const advice = adviceOf(await reportOf({ script: () => "no idea" }));
    expect(advice).toContain("100.0% of the last round's attempts could not be graded.");
  });
});

describe("a run that gained", () => {
  it("is told to take the adapter along only if the sealed suite says so, too", async () => {
    expect(adviceOf(await reportOf({ train: scriptedTrain(folder).train }))).toContain(
      "redistill export sums-1",
    );
    rmSync(folder, { recursive: true });
    const tasks = { ...sumsRecipe(folder).tasks, sealed: 0 };
    const advice = adviceOf(await reportOf({}, { tasks }));
    expect(advice).toContain("Set tasks.sealed");
    expect(advice).not.toContain("redistill export");
  });
});
