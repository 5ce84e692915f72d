import {
  type AmountLimits,
  type Amounts,
  amountLimits,
  amountNumber,
  amountText,
  type BudgetKind,
  budgetKinds,
  hasLimit,
} from "../core/budget.js";
import { roles } from "../core/model.js";
import { runPrices } from "../core/money.js";
import { outlookOf, outlookText } from "../core/outlook.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** What a run has spent, beside its budgets. */
export interface SpendReport {
  readonly limited: boolean;
  readonly run: readonly SpendLine[];
  /** Each night that was worked in; empty where nights have no budget. */
  readonly nights: readonly { readonly night: string; readonly lines: readonly SpendLine[] }[];
  readonly rounds: readonly ({ readonly round: number } & Readonly<Record<Shown, string>>)[];
  /** What going on to the end would take; null for a finished run. */
  readonly outlook: string | null;
  readonly money: string | null;
}

export interface SpendLine {
  readonly kind: BudgetKind;
  /** In the unit of the recipe. */
  readonly spent: string;
  readonly budget: string | null;
  /** For people: "1,200 of 5,000 tokens (24%)". */
  readonly text: string;
}

const shown = ["calls", "tokens", "money", "minutes"] as const;
type Shown = (typeof shown)[number];

/** Everything that a run spent, from its rows. Money is left out where no model has a price. */
export function readSpend(store: Store, run: RunRow): SpendReport {
  const { budget, rounds: planned } = run.recipe;
  const price = runPrices(run);
  const isPriced = roles.some((role) => price(run.roles[role]?.digest ?? run.modelDigest) !== null);
  const lines = (limits: AmountLimits, spent: Amounts): SpendLine[] =>
    budgetKinds
      .filter((kind) => kind !== "money" || isPriced)
      .map((kind) => spendLine(kind, spent[kind], limits[kind]));
  const total = store.spend.of(run.id, price, null);
  const nightLimits = amountLimits(budget.night);
  const nights = hasLimit(budget.night) ? store.spend.nights(run.id, budget.timeZone) : [];
  const rounds = store.spend.rounds(run.id, price);
  return {
    limited: hasLimit(budget) || hasLimit(budget.night),
    run: lines(amountLimits(budget), total),
    nights: nights.map((night) => ({
      night: night.name,
      lines: lines(nightLimits, store.spend.of(run.id, price, night)).filter(
        (line) => line.budget !== null,
      ),
    })),
    rounds: rounds.map(({ round, spent }) => {
      const figures = shown.map((kind) => [kind, amountNumber(kind, spent[kind])] as const);
      return { round, ...(Object.fromEntries(figures) as Record<Shown, string>) };
    }),
    outlook: run.state === "finished" ? null : outlookText(outlookOf(rounds, planned)),
    money: !isPriced ? null : amountNumber("money", total.money),
  };
}

function spendLine(kind: BudgetKind, spent: bigint, limit: bigint | null): SpendLine {
  const number = amountNumber(kind, spent);
  if (limit === null) return { kind, spent: number, budget: null, text: amountText(kind, spent) };
  const share = Math.round(Number((spent * 1000n) / limit) / 10);
  return {
    kind,
    spent: number,
    budget: amountNumber(kind, limit),
    text: `${number} of ${amountText(kind, limit)} (${share}%)`,
  };
}

/** What was spent and what the budgets allow, as sentences. */
export function spendTexts({ run, nights, outlook }: SpendReport): string[] {
  const limited = run.filter(({ budget }) => budget !== null);
  const free = run.filter(({ budget }) => budget === null);
  const join = (lines: readonly SpendLine[]) => lines.map(({ text }) => text).join(", ");
  return [
    ...limited.map(({ text }) => `Budget: ${text}.`),
    ...nights.map(({ night, lines }) => `Night of ${night}: ${join(lines)}.`),
    ...(free.length === 0 ? [] : [`Spent without a budget: ${join(free)}.`]),
    ...(outlook === null ? [] : [outlook]),
  ];
}
