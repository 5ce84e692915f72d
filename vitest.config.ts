import { defineConfig } from "vitest/config";

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
    "tests/faults/{io-error,lease,locked,room,secrets}.test.ts",
  );

const common = { testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    globalSetup: ["tests/prepare.ts"],
    reporters: ["default"],
    projects: [
      {
        test: {
          name: "units",
          include: units,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          ...common,
        },
      },
      {
        test: {
          name: "machine",
          include: ["tests/**/*.test.ts"],
          exclude: units,
          // Real engine, real trainer: two at once would fight for the cores.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          ...common,
        },
      },
    ],
  },
});
