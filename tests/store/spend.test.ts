import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { nightNamed } from "../../src/core/night.js";
import { greedySampling } from "../support/machine.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

it("sums time and growth by night, without reading an answer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-spend-"));
  const { store } = await scriptedRun(folder, sumsRecipe(folder));
  store.transaction(() => {
    store.spend.addWork("sums-1", "2026-11-22", 1_000, 10);
    store.spend.addWork("sums-1", "2026-11-23", 500, 1);
    store.spend.addWork("sums-1", "2026-11-22", 2_000, 20);
  });
  const of = (name: string | null) =>
    store.spend.of("sums-1", null, name === null ? null : nightNamed(name, "UTC"));
  expect(of(null)).toMatchObject({ minutes: 3_500n, diskMegabytes: 31n, calls: 0n, rounds: 0n });
  expect(of("2026-11-22")).toMatchObject({ minutes: 3_000n, diskMegabytes: 30n });
  expect(of("2026-11-24")).toMatchObject({ minutes: 0n, diskMegabytes: 0n });
  expect(store.spend.nights("sums-1", "UTC").map(({ name }) => name)).toEqual([
    "2026-11-22",
    "2026-11-23",
  ]);
  // Tokens as they would be billed: a shared beginning counts, however often it was read.
  const request = { messages: [], sampling: greedySampling(8) };
  const answer = {
    ...{ text: "4", stopReason: "end" as const, durationMs: 1 },
    ...{ promptTokens: 100, evaluatedPromptTokens: 3, completionTokens: 7 },
  };
  const payer = { runId: "sums-1", round: 1, stage: "generate" };
  const at = new Date("2026-11-23T11:59:59Z");
  store.calls.record("a", request, { digest: "d", adapter: null }, answer, payer, at);
  const price = { prompt: 1_000_000n, completion: 2_000_000n };
  const tonight = nightNamed("2026-11-22", "UTC");
  expect(store.spend.of("sums-1", () => price, tonight)).toMatchObject({
    ...{ tokens: 107n, calls: 1n, money: 114_000_000n },
  });
  expect(of("2026-11-23")).toMatchObject({ calls: 0n });
  expect(store.spend.byStage("sums-1")).toEqual([
    {
      ...{ round: 1, stage: "generate", calls: 1 },
      ...{ promptTokens: 100, promptTokensRead: 3, completionTokens: 7 },
    },
  ]);
  expect(store.spend.databaseBytes()).toBeGreaterThan(50_000);
  store.close();
  const db = new Database(join(folder, "memory", "redistill.db"));
  const plan = db
    .prepare(
      "EXPLAIN QUERY PLAN SELECT count(*), sum(prompt_tokens), sum(completion_tokens) FROM calls WHERE paid_by_run = 'a' AND created_at >= '' AND created_at < '~'",
    )
    .all() as { detail: string }[];
  expect(plan[0]?.detail).toContain("COVERING INDEX calls_by_run");
  db.close();
});
