import { describe, expect, it } from "vitest";
import {
  amountLimits,
  amountNumber,
  amountText,
  budgetSchema,
  firstOver,
  nothing,
  roundedUp,
} from "../../src/core/budget.js";
import { modelSchema } from "../../src/core/model.js";
import { costOf, priceOf, pricesSchema, requirePriced } from "../../src/core/money.js";
import { outlookOf, outlookText } from "../../src/core/outlook.js";

describe("money", () => {
  it("is exact: a million times a tenth is a hundred thousand", () => {
    const prices = pricesSchema.parse({ m: { prompt: 0.1, completion: 0.7 } });
    const price = priceOf(prices, "m")!;
    let sum = 0n;
    let drifting = 0;
    for (let call = 0; call < 100_000; call++) {
      sum += costOf(price, 7, 3);
      drifting += (7 * 0.1 + 3 * 0.7) / 1e6;
    }
    expect(amountNumber("money", sum)).toBe("0.28");
    expect(drifting).not.toBe(0.28);
    // More than a float can hold: the last token still counts.
    const large = costOf(price, 9_000_000_000_000_001, 0) - costOf(price, 9_000_000_000_000_000, 0);
    expect(large).toBe(100_000n);
  });

  it("is never shown as less than it is", () => {
    expect(amountNumber("money", 1n)).toBe("0.000001");
    expect(amountText("money", 1_500_000_000_000n)).toBe("1.5 in money");
  });

  it("has six decimals at most", () => {
    expect(budgetSchema.parse({ money: 0.000001 }).money).toBe(0.000001);
    expect(() => budgetSchema.parse({ money: 0.0000001 })).toThrow(/6 decimals/);
    expect(() => budgetSchema.parse({ money: 0 })).toThrow();
    expect(() => pricesSchema.parse({ m: { prompt: -1, completion: 1 } })).toThrow();
  });

  it("has its price by the model's name, the longest that fits", () => {
    const prices = pricesSchema.parse({
      default: { prompt: 1, completion: 1 },
      "tiny.gguf": { prompt: 2, completion: 2 },
      "b/tiny.gguf": { prompt: 3, completion: 3 },
      "../models/other.gguf": { prompt: 4, completion: 4 },
    });
    const of = (path: string) => priceOf(prices, path)?.prompt;
    expect(of("default")).toBe(1_000_000n);
    expect(of("/home/ada/a/tiny.gguf")).toBe(2_000_000n);
    expect(of("/home/ada/b/tiny.gguf")).toBe(3_000_000n);
    expect(of("C:\\models\\other.gguf")).toBe(4_000_000n);
    expect(of("/home/ada/not-tiny.gguf")).toBeUndefined();
  });

  it("is refused as a budget where the model has no price", () => {
    const recipe = (changes: object) => ({
      model: modelSchema.parse({ path: "/home/ada/tiny.gguf" }),
      roles: {},
      prices: {},
      budget: budgetSchema.parse(changes),
    });
    expect(() => requirePriced(recipe({ tokens: 5 }))).not.toThrow();
    expect(() => requirePriced(recipe({ money: 5 }))).toThrow(
      "budget.money is set, but prices has no entry for the model /home/ada/tiny.gguf",
    );
    expect(() => requirePriced(recipe({ night: { money: 5 } }))).toThrow(/budget\.night\.money/);
    const free = pricesSchema.parse({ "tiny.gguf": { prompt: 0, completion: 0 } });
    expect(() => requirePriced({ ...recipe({ money: 5 }), prices: free })).not.toThrow();
  });
});

describe("a budget", () => {
  const limits = amountLimits(budgetSchema.parse({ tokens: 100, minutes: 0.5, rounds: 2 }));

  it("is over when the next step could take more than is left, not before", () => {
    const spent = { ...nothing, tokens: 60n, rounds: 1n };
    expect(firstOver(limits, spent, { ...nothing, tokens: 40n, rounds: 1n })).toBeNull();
    expect(firstOver(limits, spent, { ...nothing, tokens: 41n })).toEqual({
      kind: "tokens",
      limit: 100n,
    });
    expect(firstOver(limits, spent, { ...nothing, rounds: 2n })?.kind).toBe("rounds");
    // What costs nothing is never over.
    expect(firstOver(limits, { ...spent, tokens: 1_000n }, nothing)).toBeNull();
  });

  it("of time is over when it has passed", () => {
    expect(firstOver(limits, { ...nothing, minutes: 29_999n }, nothing)).toBeNull();
    expect(firstOver(limits, { ...nothing, minutes: 30_000n }, nothing)?.kind).toBe("minutes");
  });

  it("is none by default, and refuses what is no amount", () => {
    const none = amountLimits(budgetSchema.parse({}));
    expect(firstOver(none, { ...nothing, tokens: 10n ** 30n }, nothing)).toBeNull();
    for (const wrong of [{ tokens: 1.5 }, { calls: 0 }, { minutes: -1 }, { timeZone: "Mars" }]) {
      expect(() => budgetSchema.parse(wrong)).toThrow();
    }
  });

  it("is proposed in round figures that are enough", () => {
    expect(roundedUp("tokens", 123_456n)).toBe("130000");
    expect(roundedUp("calls", 7n)).toBe("7");
    expect(roundedUp("minutes", 61_000n)).toBe("2");
    expect(roundedUp("diskMegabytes", 12_000_001n)).toBe("13");
    expect(roundedUp("money", 1_234_567_000_001n)).toBe("1.3");
  });
});

describe("what going on would take", () => {
  const round = (number: number, tokens: bigint, finished: boolean) => ({
    round: number,
    finished,
    spent: { ...nothing, tokens, calls: tokens / 10n, rounds: 1n },
  });

  it("is the mean of the finished rounds for those left, less what the current one has spent", () => {
    const outlook = outlookOf(
      [round(1, 100n, true), round(2, 200n, true), round(3, 50n, false)],
      5,
    );
    expect(outlook).toMatchObject({ from: 2, left: { tokens: 400n, calls: 40n, rounds: 2n } });
    expect(outlookText(outlook)).toContain("about 400 tokens, 40 calls, by the mean of the 2");
  });

  it("is not guessed before a round has finished", () => {
    expect(outlookOf([round(1, 100n, false)], 5)).toBeNull();
    expect(outlookText(null)).toContain("cannot be said");
  });
});
