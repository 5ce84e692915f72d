import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../../src/models/ollama/publish.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { testModel } from "../support/machine.js";
import { buildTimeout, type RealOllama, startOllama } from "../support/ollama.js";

const { signal: never } = new AbortController();

const recipe = (url: string) => `name: served
seed: 3
rounds: 1
model: {provider: ollama, name: small, url: "${url}", contextTokens: 640, sequences: 2}
tasks: {source: orders, train: 10, gate: 6, sealed: 2}
retention: {path: retention.jsonl, maxTokens: 8, margin: 1}
student: {prompt: order-line, maxTokens: 24}
teacher: {exemplars: 3}
elicit: {tasksPerRound: 6}
generate: {attempts: 2, temperature: 0.7, maxTokens: 24}
critique: {prompt: name-the-error, maxTokens: 12}
refine: {prompt: second-try, tries: 1, maxTokens: 24}
curate: {minimum: 1}
retrain: {epochs: 2, learningRate: 0.002, tokensPerStep: 128}
`;

/** The real program, a real Ollama that has the default weights, and the real trainer. */
describe("a round at a real Ollama, with real training", () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-"));
  let ollama: RealOllama;
  // Asynchronous, since the server of this test is a child of this process.
  const redistill = async (...args: string[]) => {
    const command = [resolve("dist/cli/main.js"), "--json", ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: folder });
    return stdout.trim().split("\n").at(-1)!;
  };
  const names = async () => {
    const tags = await fetch(`${ollama.url}/api/tags`);
    const { models } = (await tags.json()) as { models: { name: string }[] };
    return models.map(({ name }) => name).sort();
  };

  beforeAll(async () => {
    ollama = await startOllama();
    const file = await inspectModel(testModel());
    await publish({ url: ollama.url, name: "small", file, base: null }, never);
    cpSync("tests/e2e/retention.jsonl", join(folder, "retention.jsonl"));
    writeFileSync(join(folder, "served.yaml"), recipe(ollama.url));
    await redistill("run", "served.yaml");
  }, buildTimeout);
  afterAll(() => ollama?.stop());

  it("ends with trained adapters and decisions, and leaves no model behind", async () => {
    const { rounds } = JSON.parse(await redistill("report"));
    expect(rounds).toHaveLength(1);
    for (const { training, decision } of rounds) {
      expect(training.adapter).toMatch(/^[0-9a-f]{64}$/);
      expect(["promoted", "rejected"]).toContain(decision.outcome);
      expect(decision.gate.tasks).toBe(6);
    }
    expect(await names()).toEqual(["small:latest"]);
  });

  it("publishes a candidate as merged weights that answer, and takes it away again", async () => {
    const { rounds } = JSON.parse(await redistill("report"));
    const { adapter } = rounds[0].training;
    const said = JSON.parse(await redistill("publish", "--ollama", "taught", "--adapter", adapter));
    expect(said).toMatchObject({ kind: "published", round: 1, name: "taught:round-1" });
    expect(await names()).toEqual(["small:latest", "taught:round-1"]);
    const chat = await fetch(`${ollama.url}/api/chat`, {
      method: "POST",
      body: JSON.stringify({
        model: "taught:round-1",
        messages: [{ role: "user", content: "Please send 12 wooden chairs to Lyon." }],
        options: { num_predict: 16 },
        stream: false,
      }),
    });
    expect(await chat.json()).toMatchObject({ done: true });
    const gone = JSON.parse(await redistill("publish", "--ollama", "taught", "--remove"));
    expect(gone.removed).toEqual(["taught:round-1"]);
    expect(await names()).toEqual(["small:latest"]);
    // The merged file was only on its way.
    const left = readdirSync(join(folder, "memory", "adapters"));
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
