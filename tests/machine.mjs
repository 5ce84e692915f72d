// What the tests need of a machine, got ready once: default weights and the trainer's Python.
import { fileURLToPath } from "node:url";
import { findPython, findUv } from "../dist/setup/python.js";
import { ensureTrainerEnvironment } from "../dist/setup/trainer-environment.js";
import { ensureWeights } from "../dist/setup/weights.js";

export const trainerDirectory = fileURLToPath(new URL("../trainer", import.meta.url));

/** Paths of the weights and of the interpreter; both are fetched or made on the first call. */
export async function prepareMachine() {
  let last = 0;
  const say = (text) => {
    if (Date.now() - last < 10_000) return;
    last = Date.now();
    process.stderr.write(`[tests] ${text}\n`);
  };
  const weights = await ensureWeights({
    onNotice: say,
    onProgress: ({ source, bytes }) => say(`weights from ${source}: ${bytes} bytes`),
  });
  const python = await findPython({ needsVenv: (await findUv()) === null });
  const interpreter = await ensureTrainerEnvironment({
    trainerDirectory,
    python,
    onProgress: ({ message }) => say(message),
  });
  return { weights: weights.path, python: interpreter };
}
