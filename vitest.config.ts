import { defineConfig } from "vitest/config";

/** Folders whose tests start no process and no engine, so that two of them may run at once. */
const units = [
  "core",
  "files",
  "health",
  "prompts",
  "recipes",
  "report",
  "sources",
  "stages",
  "stats",
  "store",
  "verifiers",
].map((folder) => `tests/${folder}/**/*.test.ts`);

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
