import { z } from "zod";
import { decimalText, micro, moneyLimit } from "./money.js";
import { isTimeZone } from "./night.js";

/** What a run can be given a budget of, as the recipe's keys call it. */
export const budgetKinds = [
  "tokens",
  "calls",
  "money",
  "minutes",
  "diskMegabytes",
  "rounds",
] as const;

export type BudgetKind = (typeof budgetKinds)[number];

const whole = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().default(null);
const positive = z.number().gt(0).max(1e9).nullable().default(null);

const limits = {
  /** Prompt and answer tokens of the calls that a run pays for, as an endpoint would bill them. */
  tokens: whole,
  calls: whole,
  /** In the unit of the price table. */
  money: moneyLimit.nullable().default(null),
  /** Of work, in monotonic time: neither pauses nor changes of the clock count. */
  minutes: positive,
  /** Millions of bytes that adapters and database grow by; what is deleted later is not given back. */
  diskMegabytes: positive,
  /** Rounds that are begun. */
  rounds: whole,
};

/** Limits that make a run pause when it reaches one; null is none. No part of what makes two runs the same. */
export const budgetSchema = z.strictObject({
  ...limits,
  /** IANA name of the zone whose noons divide the nights; null is the machine's. */
  timeZone: z
    .string()
    .refine(isTimeZone, "not a time zone; names are like Europe/Vienna")
    .nullable()
    .default(null),
  /** The same from noon to noon, local time. */
  night: z.strictObject(limits).prefault({}),
});

export type Budget = z.infer<typeof budgetSchema>;
type Limits = Budget["night"];

/**
 * An amount of each kind, exact, in its smallest unit: tokens, calls, millionths of a micro-unit of
 * money (what one token costs at a price of 0.000001 for a million), milliseconds, bytes, rounds.
 */
export type Amounts = Readonly<Record<BudgetKind, bigint>>;
export type AmountLimits = Readonly<Record<BudgetKind, bigint | null>>;

export const nothing: Amounts = {
  tokens: 0n,
  calls: 0n,
  money: 0n,
  minutes: 0n,
  diskMegabytes: 0n,
  rounds: 0n,
};

/** Smallest units in one unit of the recipe. */
const unit: Amounts = {
  ...{ tokens: 1n, calls: 1n, rounds: 1n },
  money: 1_000_000_000_000n,
  minutes: 60_000n,
  diskMegabytes: 1_000_000n,
};

export function eachKind<T>(value: (kind: BudgetKind) => T): Record<BudgetKind, T> {
  return Object.fromEntries(budgetKinds.map((kind) => [kind, value(kind)])) as Record<
    BudgetKind,
    T
  >;
}

export function plus(a: Amounts, b: Partial<Amounts>): Amounts {
  return eachKind((kind) => a[kind] + (b[kind] ?? 0n));
}

export function minus(a: Amounts, b: Amounts): Amounts {
  return eachKind((kind) => a[kind] - b[kind]);
}

/** A recipe's limits in smallest units. */
export function amountLimits(limits: Limits): AmountLimits {
  return eachKind((kind) => {
    const limit = limits[kind];
    if (limit === null) return null;
    if (kind === "money") return micro(limit) * 1_000_000n;
    return BigInt(Math.round(limit * Number(unit[kind])));
  });
}

export function hasLimit(limits: Limits): boolean {
  return budgetKinds.some((kind) => limits[kind] !== null);
}

/** The first kind of which less is left than `wanted`; of time only what has passed can be known. */
export function firstOver(
  limits: AmountLimits,
  spent: Amounts,
  wanted: Amounts,
): { kind: BudgetKind; limit: bigint } | null {
  for (const kind of budgetKinds) {
    const limit = limits[kind];
    if (limit === null) continue;
    const over =
      kind === "minutes"
        ? spent.minutes >= limit
        : wanted[kind] > 0n && spent[kind] + wanted[kind] > limit;
    if (over) return { kind, limit };
  }
  return null;
}

/** An amount in the recipe's unit, as a number; nothing less than 0. */
export function numberOf(kind: BudgetKind, amount: bigint): number {
  return amount <= 0n ? 0 : Number(amount) / Number(unit[kind]);
}

/** An amount in the recipe's unit, rounded up to what people read: "1,234", "0.000017", "12.5". */
export function amountNumber(kind: BudgetKind, amount: bigint): string {
  if (kind === "money") return decimalText(ceilTo(amount, 1_000_000n), 6);
  if (kind === "minutes" || kind === "diskMegabytes") {
    return decimalText(ceilTo(amount * 10n, unit[kind]), 1);
  }
  return amount.toLocaleString("en-US");
}

/** "1,234 tokens", "0.000017 in money", "12.5 minutes", "3.1 MB of disk". */
export function amountText(kind: BudgetKind, amount: bigint): string {
  const number = amountNumber(kind, amount);
  if (kind === "money") return `${number} in money`;
  if (kind === "diskMegabytes") return `${number} MB of disk`;
  return `${number} ${number === "1" ? kind.slice(0, -1) : kind}`;
}

/** A round figure not below an amount, as it is typed in a recipe: two leading digits, then zeros. */
export function roundedUp(kind: BudgetKind, amount: bigint): string {
  const step = kind === "money" ? 1_000_000n : unit[kind];
  const least = ceilTo(amount, step);
  const power = 10n ** BigInt(Math.max(0, least.toString().length - 2));
  const round = ceilTo(least, power) * power;
  return kind === "money" ? decimalText(round, 6) : round.toString();
}

/** The least number of steps that an amount is not above. */
function ceilTo(amount: bigint, step: bigint): bigint {
  return amount <= 0n ? 0n : (amount + step - 1n) / step;
}

/** "calls 9, night.money 2". */
export function describeBudget(budget: Budget): string {
  const of = (limits: Budget["night"], prefix: string) =>
    budgetKinds.flatMap((kind) =>
      limits[kind] === null ? [] : [`${prefix}${kind} ${limits[kind]}`],
    );
  return [...of(budget, ""), ...of(budget.night, "night.")].join(", ") || "none";
}
