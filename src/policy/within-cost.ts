import { costLimit, costProblem, expectedCost } from "../core/cost.js";
import { isWhole } from "../core/levers.js";
import type {
  Lever,
  LeverSettings,
  LeverValue,
  Observation,
  PolicyDecision,
} from "../core/policy.js";
import { figure } from "./rule.js";

/** Who decides that something would cost too much; no rule of its own. */
export const costAuthor = "cost";

/** Levers that cost something, the first to give way first: tasks, which no rule raises, then those of the last rules. */
const givesWay: readonly Lever[] = [
  ...(["elicit.tasksPerRound", "generate.attempts", "refine.tries", "critique"] as const),
  ...(["curate.maximum", "retrain.epochs", "curate.replay.ratio"] as const),
];

/** Parts of a step that are tried, beginning with the largest. */
const parts = 8;

/**
 * What has to be taken back of some settings so that they are within `policy.margins.cost`: each lever as little as does,
 * in eighths of its step, one after the other. Empty where they are within it as they are.
 *
 * @param floor Settings to fall back to, lever by lever; they are within the margin.
 * @param wanted Every lever as a plan would have it.
 */
export function withinCost(
  observation: Observation,
  floor: LeverSettings,
  wanted: LeverSettings,
): PolicyDecision[] {
  const decisions: PolicyDecision[] = [];
  let settings = wanted;
  for (const lever of givesWay) {
    const because = costProblem(observation, settings);
    if (because === null) break;
    const [least, from] = [floor[lever], settings[lever]];
    if (least === undefined || from === undefined || !(from > least)) continue;
    const to = values(lever, least, from).find(
      (value) => costProblem(observation, { ...settings, [lever]: value }) === null,
    );
    const saw = seenIn(observation, settings);
    settings = { ...settings, [lever]: to ?? least };
    decisions.push({ rule: costAuthor, what: lever, from, to: to ?? least, because, saw });
  }
  return decisions;
}

/** From the largest to the least; the one that costs too much is left out. */
function values(lever: Lever, least: LeverValue, from: LeverValue): LeverValue[] {
  if (typeof least !== "number" || typeof from !== "number") return [least];
  return Array.from({ length: parts }, (_, i) => {
    const value = least + ((from - least) * (parts - 1 - i)) / parts;
    return isWhole(lever) ? Math.floor(value) : Number(value.toPrecision(4));
  });
}

function seenIn(observation: Observation, settings: LeverSettings): PolicyDecision["saw"] {
  const { recipe, most } = costLimit(observation)!;
  const expected = figure(expectedCost(observation, settings));
  return { expected, recipe: figure(recipe), most: figure(most) };
}
