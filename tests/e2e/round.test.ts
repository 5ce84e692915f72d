import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";

const program = resolve("dist/cli/main.js");

function workspace(): string {
  const folder = mkdtempSync(join(tmpdir(), "redistill-"));
  for (const name of ["small.yaml", "retention.jsonl", "arithmetic.jsonl"])
    cpSync(join("tests/e2e", name), join(folder, name));
  return folder;
}

function redistill(folder: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

/** Resumes and kills with SIGKILL when a line of progress says so; resolves with what ended it. */
function killWhen(
  folder: string,
  when: (event: Record<string, unknown>) => boolean,
): Promise<string | null> {
  const child = spawn(process.execPath, [program, "--json", "resume"], { cwd: folder });
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (lines.some((line) => line.startsWith("{") && when(JSON.parse(line)))) child.kill("SIGKILL");
  });
  return new Promise((done) => child.on("close", (_code, signal) => done(signal)));
}

const database = (folder: string) => join(folder, "memory", "redistill.db");
/** The part of a report that must not depend on how the run went. */
const result = (folder: string) =>
  readFileSync(join(folder, "runs", "small-1", "report.md"), "utf8").split("## How it went")[0];

describe("one round on real weights, with real training", () => {
  const undisturbed = workspace();
  beforeAll(() => {
    const { status, stderr } = redistill(undisturbed, ["run", "small.yaml"]);
    expect(status, stderr).toBe(0);
  });

  it("ends with a trained adapter, a decision and a report", () => {
    const report = result(undisturbed) ?? "";
    expect(report).toContain("small-1");
    const { stdout, status } = redistill(undisturbed, ["--json", "report"]);
    expect(status).toBe(0);
    const { rounds, suites, trials } = JSON.parse(stdout);
    // Half of the failed tasks were rewritten without a critique.
    expect(trials).toMatchObject([
      { own: { prompt: "name-the-error" }, tried: { prompt: "none" } },
    ]);
    expect(trials[0].own.asked - trials[0].tried.asked).toBeOneOf([0, 1]);
    expect(report).toContain(`${trials[0].tried.fixed} of ${trials[0].tried.asked}`);
    expect(rounds[0].attempts.ok).toBeGreaterThan(0);
    expect(rounds[0].training.adapter).toMatch(/^[0-9a-f]{64}$/);
    expect(["promoted", "rejected"]).toContain(rounds[0].decision.outcome);
    expect(rounds[0].decision.gate.tasks).toBe(14);
    expect(suites[0].suite).toBe("sealed");
  });

  it("measured both retention suites, each against its own margin", () => {
    const { rounds, basis } = JSON.parse(redistill(undisturbed, ["--json", "report"]).stdout);
    const { retention, retentionSuites: kept, outcome } = rounds[0].decision;
    expect(retention).toBeNull();
    expect(kept.map((each: Record<string, unknown>) => [each.name, each.margin])).toEqual([
      ["capitals", 1],
      ["arithmetic", 0.9],
    ]);
    expect(kept[0].comparison.tasks).toBe(6);
    expect(kept[1].comparison.tasks).toBe(3);
    expect(basis.retentionSuites).toEqual([
      { name: "capitals", tasks: 6 },
      { name: "arithmetic", tasks: 3 },
    ]);
    if (outcome === "promoted") expect(kept[1].comparison.low).toBeGreaterThanOrEqual(-0.9);
    expect(result(undisturbed)).toContain("Retention (arithmetic), 3 tasks");
    expect(redistill(undisturbed, ["verify"]).status).toBe(0);
  });

  it("shows base and adapter side by side, and exports the adapter with its training set", () => {
    const { rounds } = JSON.parse(redistill(undisturbed, ["--json", "report"]).stdout);
    const adapter = rounds[0].training.adapter.slice(0, 12);
    const question = "Please send 12 wooden chairs to Lyon. Thanks, Maria";
    const sample = redistill(undisturbed, ["--json", "sample", question, "--adapter", adapter]);
    expect(sample.status, sample.stderr).toBe(0);
    expect(sample.stdout).toContain(adapter);
    const exported = redistill(undisturbed, ["export", "--adapter", adapter, "--output", "out"]);
    expect(exported.status, exported.stderr).toBe(0);
    for (const name of ["adapter.gguf", "peft/adapter_model.safetensors", "training-set.jsonl"]) {
      expect(existsSync(join(undisturbed, "out", name))).toBe(true);
    }
    const [line] = readFileSync(join(undisturbed, "out", "training-set.jsonl"), "utf8").split("\n");
    expect(JSON.parse(line!).messages.at(-1).role).toBe("assistant");
  });

  it("killed while sampling and while training, ends with the same rows and the same report", async () => {
    const folder = workspace();
    const sampling = redistill(folder, ["run", "small.yaml"], {
      REDISTILL_FAILPOINT: "call:after@11",
    });
    expect(sampling.signal).toBe("SIGKILL");
    const training = await killWhen(
      folder,
      (event) => event.kind === "training" && Number(event.step) >= 3,
    );
    expect(training).toBe("SIGKILL");
    const { status, stderr } = redistill(folder, ["resume"]);
    expect(status, stderr).toBe(0);
    expect(digestOf(database(folder))).toEqual(digestOf(database(undisturbed)));
    expect(result(folder)).toBe(result(undisturbed));
  });

  it("stops in order when it is told to, and says how to go on", async () => {
    const folder = workspace();
    const child = spawn(process.execPath, [program, "run", "small.yaml"], { cwd: folder });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (chunk.includes("round 1 generate")) child.kill("SIGINT");
    });
    const code = await new Promise((done) => child.on("close", done));
    expect(code, said).toBe(130);
    expect(said).toContain("redistill resume small-1");
    expect(redistill(folder, ["status"]).stdout).toContain("interrupted");
  });
});
