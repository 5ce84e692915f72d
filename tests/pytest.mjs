// Runs the trainer's own tests in the trainer's own environment.
import { spawnSync } from "node:child_process";
import { prepareMachine, trainerDirectory } from "./machine.mjs";

const { weights, python } = await prepareMachine();
const { status } = spawnSync(python, ["-m", "pytest"], {
  cwd: trainerDirectory,
  stdio: "inherit",
  env: { ...process.env, REDISTILL_TEST_MODEL: weights, HF_HUB_OFFLINE: "1" },
});
process.exit(status ?? 1);
