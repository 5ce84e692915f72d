import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/longest-first.js";

/** Tests that need neither engine nor trainer, so that two of them may run at once. */
const units = [
  "controller",
  "core",
  "evolution",
  "files",
  "health",
  "notify",
  "operations",
  "policy",
  "prompts",
  "recipes",
  "report",
  "schedule",
  "sources",
  "stages",
  "stats",
  "store",
  "studies",
  "verifiers",
]
  .map((folder) => `tests/${folder}/**/*.test.ts`)
  .concat(
    "tests/cli/lessons.test.ts",
    // Those that kill or damage what has a scripted model.
    "tests/faults/{kill,*-kill,old-release,damage*,adapter-file,health,hostile-*}.test.ts",
    "tests/faults/{io-error,lease,locked,room,secrets,stop}.test.ts",
  );

/** With servers that are many processes, or take all cores whatever they are given. */
const alone = [
  "tests/e2e/{ollama,providers}.test.ts",
  "tests/models/ollama/real.test.ts",
  "tests/training/ray/real-ray.test.ts",
];

const common = { testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    globalSetup: ["tests/prepare.ts"],
    reporters: ["default"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "units",
          include: units,
          maxWorkers: 2,
          setupFiles: ["tests/in-memory.ts"],
          sequence: { groupOrder: 0 },
          ...common,
        },
      },
      {
        test: {
          name: "machine",
          include: ["tests/**/*.test.ts"],
          exclude: [...units, ...alone],
          // Real engine, real trainer: two at once, and each on its half of the cores, or they would fight for them.
          maxWorkers: 2,
          setupFiles: ["tests/half-the-cores.ts"],
          sequence: { groupOrder: 1 },
          ...common,
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...common,
        },
      },
    ],
  },
});
