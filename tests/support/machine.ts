import { resolve } from "node:path";
import type { Sampling } from "../../src/core/entities.js";
import { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import { EngineProcess } from "../../src/models/embedded/engine-process.js";
import { inspectModel } from "../../src/setup/gguf.js";

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with \`npm test\`, which sets it`);
  return value;
}

/** Path of the default weights; tests/prepare.ts fetched them. */
export const testModel = () => fromEnvironment("REDISTILL_TEST_MODEL");
/** Interpreter of the trainer's environment; tests/prepare.ts made it. */
export const testPython = () => fromEnvironment("REDISTILL_TEST_PYTHON");

/** The sampling of an evaluation. */
export const greedySampling = (maxTokens: number): Sampling => ({
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  maxTokens,
  seed: 1,
});

/** The real engine with the real default weights. */
export async function loadEngine(
  settings: { sequences?: number; contextTokens?: number; sharePrefixes?: boolean } = {},
): Promise<EmbeddedChatModel> {
  const { path, sha256 } = await inspectModel(testModel());
  return EmbeddedChatModel.load({
    modelPath: path,
    modelSha256: sha256,
    contextTokens: 512,
    sequences: 8,
    threads: 0,
    ...settings,
  });
}

/** The program of the engine's process, as it was built. */
export const engineProgram = {
  script: resolve("dist/models/embedded/host.js"),
  execArgv: [],
};

/** The same in a process of its own. */
export async function startEngineProcess(): Promise<EngineProcess> {
  const { path, sha256 } = await inspectModel(testModel());
  return EngineProcess.start(
    {
      ...{ modelPath: path, modelSha256: sha256, program: engineProgram },
      ...{ contextTokens: 512, sequences: 8, threads: 0 },
    },
    new AbortController().signal,
  );
}
