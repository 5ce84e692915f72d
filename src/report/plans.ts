import { decisionText } from "../core/plan.js";
import type { Plan } from "../core/policy.js";
import { plural } from "./figures.js";
import type { RunReport } from "./report.js";
import type { Item, Style } from "./sections.js";

/** What was changed for each round, by whom and why. */
export function planItems({ plans }: Pick<RunReport, "plans">, style: Style): Item[] {
  return plans.map((plan) => ({ text: `${planText(plan)}.`, details: detailsOf(plan, style) }));
}

function planText({ round, author, decisions, tasks, stop }: Plan): string {
  if (stop !== null) return `Before round ${round} (${author}): no further round`;
  const chosen = tasks === null ? "" : `, ${plural(tasks.length, "task")} chosen`;
  const what =
    decisions.length === 0
      ? "nothing is changed"
      : `${plural(decisions.length, "decision")}${chosen}`;
  return `Round ${round} (${author}): ${what}`;
}

function detailsOf({ author, decisions, fallback }: Plan, style: Style): string[] {
  // What a coach says is a model's own text.
  const said = author === "coach" ? style.quote : style.plain;
  return [
    ...(fallback === null
      ? []
      : [`The coach's proposal was not taken, the rules decided: ${style.plain(fallback)}.`]),
    ...decisions.map(
      (decision) =>
        `${decision.rule}: ${style.plain(decisionText(decision))}. ${said(decision.because)}.`,
    ),
  ];
}
