import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../../src/models/ollama/publish.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { testModel } from "../support/machine.js";
import { buildTimeout, type RealOllama, startOllama } from "../support/ollama.js";
import { type Serving, serveTransformers } from "../support/transformers-serve.js";

/** Its weights cannot be changed everywhere: what is learned goes into the prompt. */
const recipe = (model: string) => `name: anywhere
seed: 3
rounds: 1
model: ${model}
tasks: {source: orders, train: 10, gate: 5, sealed: 2}
student: {prompt: order-line, maxTokens: 24}
teacher: {exemplars: 3}
elicit: {tasksPerRound: 5}
generate: {attempts: 2, temperature: 0.7, maxTokens: 24}
critique: {prompt: name-the-error, maxTokens: 12}
refine: {prompt: second-try, tries: 1, maxTokens: 24}
curate: {minimum: 1}
retrain: {method: memory, tokens: 200, lessons: 1, exemplars: 2}
`;

/** Not in this process's way: the servers' output has to be read meanwhile. */
async function redistill(folder: string, args: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [resolve("dist/cli/main.js"), ...args], { cwd: folder });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return { code: await new Promise((done) => child.on("close", done)), text };
}

/** What a run did, whoever answered. */
function facts(folder: string) {
  const database = new Database(join(folder, "memory", "redistill.db"), { readonly: true });
  try {
    const one = (sql: string) => database.prepare(sql).pluck().get();
    return {
      state: one("SELECT state FROM runs"),
      tasks: database.prepare("SELECT id FROM tasks ORDER BY id").pluck().all(),
      attempts: one("SELECT count(*) FROM attempts"),
      gate: one("SELECT count(DISTINCT task_id) FROM evaluations WHERE suite = 'gate'"),
      decided: one("SELECT count(*) FROM decisions"),
      ungraded: one("SELECT count(*) FROM verdicts WHERE verifier <> 'fields'"),
      unanswered: one("SELECT count(*) FROM suspects"),
      prompts: one("SELECT min(prompt_tokens) > 10 FROM calls"),
    };
  } finally {
    database.close();
  }
}

describe("one recipe, changed in model: alone", () => {
  let ollama: RealOllama;
  let serving: Serving;
  const found: Record<string, ReturnType<typeof facts>> = {};

  beforeAll(async () => {
    ollama = await startOllama();
    const file = await inspectModel(testModel());
    await publish(
      { url: ollama.url, name: "small", file, base: null },
      new AbortController().signal,
    );
    serving = await serveTransformers();
  }, buildTimeout);
  afterAll(async () => {
    await ollama?.stop();
    await serving?.stop();
  });

  it.each(["embedded", "ollama", "openai"])("runs on %s", async (provider) => {
    const models: Record<string, string> = {
      embedded: "{sequences: 4, contextTokens: 640}",
      ollama: `{provider: ollama, name: small, url: "${ollama.url}", contextTokens: 640, sequences: 2}`,
      openai: `{provider: openai, name: ${serving.name}, url: "${serving.url}", weights: default, contextTokens: 640, sequences: 2}`,
    };
    const folder = mkdtempSync(join(tmpdir(), `redistill-${provider}-`));
    writeFileSync(join(folder, "recipe.yaml"), recipe(models[provider]!));
    const { code, text } = await redistill(folder, ["run", "recipe.yaml"]);
    expect(code, text).toBe(0);
    found[provider] = facts(folder);
    expect(found[provider]).toEqual({
      ...found.embedded,
      ...{ state: "finished", attempts: 10, gate: 5, decided: 1, ungraded: 0, unanswered: 0 },
      prompts: 1,
    });
  });
});
