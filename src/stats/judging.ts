import type { JudgedOutcome } from "../core/judge.js";
import type { RoundRows } from "../core/round.js";

/** A pair of answers as a judge saw it, without the texts. */
export interface JudgedPair {
  /** What it said with the first answer shown first, with the second shown first, and by both. */
  readonly forward: JudgedOutcome;
  readonly backward: JudgedOutcome;
  readonly outcome: JudgedOutcome;
  /** Characters of the first and of the second answer. */
  readonly lengths: readonly [number, number];
  /** The one that the verifier calls right; null where verifiers do not set them apart. */
  readonly right: "first" | "second" | null;
  /** The one that the judge's own model wrote, where another model wrote the other; else null. */
  readonly own: "first" | "second" | null;
}

export interface Share {
  readonly count: number;
  readonly of: number;
}

/** How a judge judges, in counts (biases as named by Zheng et al. 2023, LLM-as-a-judge). */
export interface JudgeFigures {
  readonly pairs: number;
  /** Pairs that it prefers one answer of. */
  readonly preferred: number;
  /** Pairs on which it said nothing readable, in one order at least. */
  readonly ungradable: number;
  /** Of the readable pairs, those on which both orders gave the same verdict. */
  readonly consistent: Share;
  /** Position bias: of the single verdicts that name an answer, those for the one shown first. */
  readonly shownFirst: Share;
  /** Length bias: of the preferences between answers of unequal length, those for the longer one. */
  readonly longer: Share;
  /** Of the preferences between a right answer and a wrong one, those for the right one. */
  readonly agreement: Share;
  /** Of the pairs whose better answer the verifier knows, those without a preference. */
  readonly undecided: Share;
  /** Self-preference: of the preferences between its own answer and another model's, those for its own. */
  readonly own: Share;
}

/** The counts of a round's pairs; the order of the pairs does not matter. */
export function judgeFigures(pairs: readonly JudgedPair[]): JudgeFigures {
  const readable = pairs.filter(({ outcome }) => outcome !== "ungradable");
  const preferred = pairs.filter(({ outcome }) => names(outcome));
  const calibration = pairs.filter(({ right }) => right !== null);
  const forward = pairs.map((pair) => pair.forward).filter(names);
  const backward = pairs.map((pair) => pair.backward).filter(names);
  return {
    pairs: pairs.length,
    preferred: preferred.length,
    ungradable: pairs.length - readable.length,
    consistent: share(readable, (pair) => pair.forward === pair.backward),
    shownFirst: {
      count:
        forward.filter((said) => said === "first").length +
        backward.filter((said) => said === "second").length,
      of: forward.length + backward.length,
    },
    longer: share(
      preferred.filter(({ lengths: [first, second] }) => first !== second),
      ({ outcome, lengths: [first, second] }) => (outcome === "first") === first > second,
    ),
    agreement: share(
      preferred.filter(({ right }) => right !== null),
      ({ outcome, right }) => outcome === right,
    ),
    undecided: share(calibration, ({ outcome }) => !names(outcome)),
    own: share(
      preferred.filter(({ own }) => own !== null),
      ({ outcome, own }) => outcome === own,
    ),
  };
}

/** The figures of a round from its rows, in which it does not stand who wrote an answer. */
export function judgeFiguresOf(
  rows: Pick<RoundRows, "preferences" | "attempts" | "revisions">,
): JudgeFigures {
  const answers = new Map([...rows.attempts, ...rows.revisions].map((item) => [item.id, item]));
  return judgeFigures(
    rows.preferences.map(({ purpose, first, second, forward, backward, outcome }): JudgedPair => {
      const [a, b] = [answers.get(first.sourceId)!, answers.get(second.sourceId)!];
      return {
        forward: forward.outcome,
        backward: backward.outcome,
        outcome,
        lengths: [a.answer.length, b.answer.length],
        right: purpose === "training" ? null : a.verdict.outcome === "ok" ? "first" : "second",
        own: null,
      };
    }),
  );
}

const names = (outcome: JudgedOutcome) => outcome === "first" || outcome === "second";

function share<T>(items: readonly T[], counts: (item: T) => boolean): Share {
  return { count: items.filter(counts).length, of: items.length };
}
