import { leversOf, silentCritique, trialIn } from "../core/levers.js";
import { critiquePromptsOf } from "../core/plan.js";
import { points } from "../core/points.js";
import type { TrialArm } from "../core/policy.js";
import { shareDifference } from "../stats/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { interval } from "./figures.js";
import type { RunReport, TrialReport } from "./report.js";
import type { Item, Style } from "./sections.js";

/** Of the section that compares critique prompts within rounds. */
export const trialsTitle = "Critique prompts tried";

/** What came of the critique prompts that were tried beside a round's own. */
export function readTrials(store: Store, run: RunRow, rounds: readonly number[]): TrialReport[] {
  return rounds.flatMap((round) => {
    const planned = store.plans.find(run.id, round)?.settings ?? {};
    const prompts = trialIn(leversOf(run.recipe, 0), planned);
    const found = prompts && store.observed.trial(run.id, round, prompts);
    if (!found) return [];
    const share = ({ fixed, asked }: TrialArm) => [fixed, asked] as const;
    const difference = shareDifference(share(found.own), share(found.tried));
    return [{ round, ...found, difference, written: writtenText(store, run, found.tried.prompt) }];
  });
}

/** The message of a prompt that no file of the recipe's has: a coach wrote it. */
function writtenText(store: Store, run: RunRow, name: string): string | null {
  if (name === silentCritique || critiquePromptsOf(run.recipe).includes(name)) return null;
  const prompts = store.runs.prompts(run.id);
  const body = prompts.find((each) => each.stage === "critique" && each.name === name)?.body ?? "";
  return body.split("\n---\n").slice(1).join("\n---\n").trim();
}

/** What the coach's own prompts say. */
export function writtenItems({ trials }: Pick<RunReport, "trials">, style: Style): Item[] {
  return trials.flatMap(({ tried, written }) =>
    written === null
      ? []
      : [{ text: `${tried.prompt}, by the coach:`, details: [style.quote(written)] }],
  );
}

/** A round each: of how many failed tasks either prompt led to a right revision. */
export function trialsTable({ trials }: Pick<RunReport, "trials">): {
  header: string[];
  rows: string[][];
} {
  return {
    header: [
      "round",
      "own",
      "tasks fixed",
      "tried",
      "tasks fixed",
      "points (95% interval)",
      "tokens",
    ],
    rows: trials.map(({ round, own, tried, difference }) => [
      String(round),
      own.prompt,
      `${own.fixed} of ${own.asked}`,
      tried.prompt,
      `${tried.fixed} of ${tried.asked}`,
      `${points(difference.difference)} (${interval(difference)})`,
      `${own.tokens} and ${tried.tokens}`,
    ]),
  };
}
