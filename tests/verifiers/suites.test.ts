import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { tokensOf } from "../../src/core/shingles.js";
import { nearDuplicates } from "../../src/core/similarity.js";
import { createVerify } from "../../src/verifiers/index.js";
import { taskOf } from "./support.js";

const question = z.strictObject({
  id: z.string().regex(/^retention-\d{3}$/u),
  prompt: z.string().min(5).max(200),
  reference: z.string().min(1),
  verifier: z.strictObject({ kind: z.literal("contains") }),
});
const rehearsal = z.strictObject({
  id: z.string().regex(/^replay-\d{3}$/u),
  prompt: z.string().min(5).max(200),
});

function readSuite<T>(name: string, schema: z.ZodType<T>): T[] {
  const path = new URL(`../../runs/suites/${name}.jsonl`, import.meta.url);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

const retention = readSuite("retention", question);
const replay = readSuite("replay", rehearsal);
const texts = (items: readonly { id: string; prompt: string }[]) =>
  items.map(({ id, prompt }) => ({ id, text: prompt }));

/** Words that say nothing of the fact asked for. */
const empty = new Set(
  "a an and are at between by call called can comes complete country city did do does eat famous finish first for from give has have how in into is it its last like live main make made mean means months month name of often on one opposite or our people plural saying say part proverb right see speak tell that the their they to up use usually used was we what when where which who word you your antonym translate with capital color colour colors day language past tense animal baby after before body who's what's which's spanish french german italian most".split(
    " ",
  ),
);
const telling = (text: string) => new Set(tokensOf(text).filter((word) => !empty.has(word)));

describe("the suites", () => {
  it("have 120 and 80 items with unique ids", () => {
    expect(retention).toHaveLength(120);
    expect(replay).toHaveLength(80);
    for (const items of [retention, replay]) {
      expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    }
  });

  it("accept each of their own variants, and do not ask what the question already says", async () => {
    const verify = createVerify({});
    for (const { prompt, reference, verifier } of retention) {
      const task = taskOf(verifier, reference);
      const variants = reference.split(" | ");
      const given = [...variants, prompt].map((answer) => ({ task, answer }));
      const outcomes = (await verify(given)).map((verdict) => verdict.outcome);
      expect(outcomes, prompt).toEqual([...variants.map(() => "ok"), "wrong"]);
    }
  });

  it("share no question, not even nearly", () => {
    expect(nearDuplicates(texts(retention), texts(replay), 0.6)).toEqual([]);
    for (const items of [retention, replay]) {
      const pairs = nearDuplicates(texts(items), texts(items), 0.8);
      expect(pairs.filter((pair) => pair.heldOutId !== pair.trainId)).toEqual([]);
    }
  });

  it("share no fact: no rehearsed prompt names an answer and what it was asked of", () => {
    const shared: string[] = [];
    for (const { prompt, reference } of retention) {
      const asked = telling(prompt);
      const answers = reference.split(" | ").map((variant) => tokensOf(variant).join(" "));
      for (const { prompt: other } of replay) {
        const words = telling(other);
        const common = [...asked].filter((word) => words.has(word));
        const padded = ` ${tokensOf(other).join(" ")} `;
        const answered = answers.some((answer) => padded.includes(` ${answer} `));
        if ((answered && common.length > 0) || (common.length > 1 && common.length >= asked.size)) {
          shared.push(`${prompt} <> ${other}`);
        }
      }
    }
    expect(shared).toEqual([]);
  });
});
