import { type Amounts, amountText, eachKind, nothing, plus } from "./budget.js";

/** What a round has spent so far. */
export interface RoundSpend {
  readonly round: number;
  readonly finished: boolean;
  readonly spent: Amounts;
}

/** What it would take to go on to the last round. */
export interface Outlook {
  /** Finished rounds that the estimate is the mean of. */
  readonly from: number;
  readonly left: Amounts;
}

/**
 * The mean of the finished rounds for each round that is left, less what the current one has spent.
 * Null before a round has finished. The sealed suite comes on top.
 */
export function outlookOf(rounds: readonly RoundSpend[], planned: number): Outlook | null {
  const finished = rounds.filter((round) => round.finished);
  if (finished.length === 0) return null;
  const sum = (some: readonly RoundSpend[]) =>
    some.reduce((total, { spent }) => plus(total, spent), nothing);
  const [done, begun] = [sum(finished), sum(rounds.filter((round) => !round.finished))];
  const count = BigInt(finished.length);
  const ahead = BigInt(Math.max(0, planned - finished.length));
  const left = eachKind((kind) => {
    const estimate = (done[kind] * ahead + count - 1n) / count - begun[kind];
    return estimate > 0n ? estimate : 0n;
  });
  return { from: finished.length, left };
}

/** What going on would take, as a sentence. */
export function outlookText(outlook: Outlook | null): string {
  if (outlook === null) {
    return "What going on would take cannot be said before a round has finished.";
  }
  const { from, left } = outlook;
  const kinds = (["tokens", "calls", "money", "minutes", "diskMegabytes"] as const).filter(
    (kind) => left[kind] > 0n,
  );
  const parts = kinds.map((kind) => amountText(kind, left[kind]));
  const amounts = parts.length === 0 ? "next to nothing" : `about ${parts.join(", ")}`;
  const rounds = from === 1 ? "the finished round" : `the ${from} finished rounds`;
  return `Going on to the last round would take ${amounts}, by the mean of ${rounds}; the sealed suite comes on top.`;
}
