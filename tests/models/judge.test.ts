import { expect, it } from "vitest";
import { judgedBy } from "../../bench/support/judging.js";
import { judgeFiguresOf } from "../../src/stats/index.js";
import { loadEngine } from "../support/machine.js";

// What a model of this size says is worth little (docs/LOG.md); that it is measured is what counts.
it("the default weights can be asked as a judge, and are measured as they are", async () => {
  const model = await loadEngine({ contextTokens: 768, sequences: 4 });
  const [first, again] = [await judgedBy(model, 2), await judgedBy(model, 2)];
  await model.dispose();
  expect(first.rows.preferences).toHaveLength(2);
  // Greedy: the same pairs have the same verdicts and the same calls.
  expect(again.rows.preferences).toEqual(first.rows.preferences);
  const { forward, backward } = first.rows.preferences[0]!;
  expect(forward.callKey).not.toBe(backward.callKey);
  const { pairs, ungradable, consistent } = judgeFiguresOf(first.rows);
  expect([pairs, consistent.of]).toEqual([2, 2 - ungradable]);
  for (const { messages } of first.asked.slice(0, 4)) {
    const [, mark] = /\[task ([0-9a-f]{12})\]/.exec(messages[0]!.content)!;
    expect(messages[0]!.content.split(mark!)).toHaveLength(8);
  }
});
