import { z } from "zod";
import { RedistillError } from "./errors.js";
import { modelName, modelOf, type NamesModels, type RoleIdentities, roles } from "./model.js";

const atMostSixDecimals = (value: number) => /^\d+(\.\d{1,6})?$/.test(String(value));
const exact = z
  .number()
  .min(0)
  .max(1e9)
  .refine(atMostSixDecimals, "money has 6 decimals at most and no exponent");

export const moneyLimit = exact.gt(0);

/**
 * What a million tokens cost, by the model's name: `default`, the end of its path, or its name at a
 * server. The unit is that of the money budgets.
 */
export const pricesSchema = z
  .record(z.string().min(1), z.strictObject({ prompt: exact, completion: exact }))
  .default({});

type Prices = z.infer<typeof pricesSchema>;

/** Micro-units for a million tokens: one token costs so many millionths of a micro-unit, exactly. */
export interface Price {
  readonly prompt: bigint;
  readonly completion: bigint;
}

/** An amount with 6 decimals at most as micro-units, by its digits: no float is multiplied. */
export function micro(amount: number): bigint {
  const [whole, decimals = ""] = String(amount).split(".");
  return BigInt(whole + decimals.padEnd(6, "0"));
}

/** Millionths of a micro-unit that so many tokens cost. */
export function costOf(price: Price, promptTokens: number, completionTokens: number): bigint {
  return BigInt(promptTokens) * price.prompt + BigInt(completionTokens) * price.completion;
}

/** The price of a model by its path or name; the longest key that fits counts. Null: it has none. */
export function priceOf(prices: Prices, path: string): Price | null {
  const plain = (name: string) => name.replaceAll("\\", "/").replace(/^(\.\.?\/)+/, "");
  const at = plain(path);
  const [name] = Object.keys(prices)
    .filter((key) => at === plain(key) || at.endsWith(`/${plain(key)}`))
    .sort((a, b) => b.length - a.length);
  const found = name === undefined ? undefined : prices[name];
  return found ? { prompt: micro(found.prompt), completion: micro(found.completion) } : null;
}

/** The price of a call by the digest of the model that answered it; null where it has none. */
export type PriceOfDigest = (digest: string) => Price | null;

/** Prices of the models that work on a run. */
export function runPrices(run: {
  readonly recipe: NamesModels & { readonly prices: Prices };
  readonly modelDigest: string;
  readonly roles: RoleIdentities;
}): PriceOfDigest {
  const known = new Map(
    roles.map((role) => [
      run.roles[role]?.digest ?? run.modelDigest,
      priceOf(run.recipe.prices, modelName(modelOf(run.recipe, role))),
    ]),
  );
  return (digest) => known.get(digest) ?? null;
}

interface Priced extends NamesModels {
  readonly prices: Prices;
  readonly budget: {
    readonly money: number | null;
    readonly night: { readonly money: number | null };
  };
}

/**
 * Refuses a money budget for a model whose price is not known: it would never be reached.
 *
 * @throws RedistillError `usage` naming the model and the lines to add.
 */
export function requirePriced({ prices, budget, ...models }: Priced): void {
  if (budget.money === null && budget.night.money === null) return;
  const names = roles.map((role) => modelName(modelOf(models, role)));
  const unpriced = names.find((name) => priceOf(prices, name) === null);
  if (unpriced === undefined) return;
  const key = budget.money === null ? "budget.night.money" : "budget.money";
  const name = unpriced.split(/[\\/]/).at(-1);
  throw new RedistillError(
    "usage",
    `${key} is set, but prices has no entry for the model ${unpriced}`,
    `Add what a million tokens cost (0 on a machine of your own) to the recipe, as in: prices: {${name}: {prompt: 0.15, completion: 0.6}}; or take ${key} away.`,
  );
}

/** 1234567n with 6 decimals → "1.234567"; zeros at the end are left out. */
export function decimalText(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, "0");
  const whole = BigInt(digits.slice(0, -decimals));
  const rest = digits.slice(-decimals).replace(/0+$/, "");
  return `${whole}${rest === "" ? "" : `.${rest}`}`;
}
