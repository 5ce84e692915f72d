import { costLimit, costText } from "../../core/cost.js";
import { noTrial } from "../../core/levers.js";
import { trialsOf } from "../../core/plan.js";
import {
  type ClusterSeen,
  type Lever,
  type LeverSettings,
  type LeverValue,
  levers,
  type Observation,
  type RetentionSeen,
  type RoundSeen,
} from "../../core/policy.js";
import { retentionLabel } from "../../core/retention.js";
import { clipped, quoted } from "./quoted.js";

/** Characters of a cluster's name that a coach reads. */
const longestName = 60;
/** Of the reason of a decision. */
const longestReason = 120;

/** A cluster as a coach calls it: short, and of this observation alone. */
export const clusterAlias = (position: number) => `c${position + 1}`;

/** The cluster that a coach means; null for any other word. */
export function clusterCalled({ clusters }: Observation, alias: string): ClusterSeen | null {
  return clusters.find((_, position) => clusterAlias(position) === alias) ?? null;
}

/** Groups of failures that a coach may ask for, as it calls them: they are not gone, and a task is in them. */
export function clustersWithTasks({ clusters, tasks }: Observation): string[] {
  return clusters.flatMap(({ id, state }, position) =>
    state !== "gone" && tasks.some(({ cluster }) => cluster === id) ? [clusterAlias(position)] : [],
  );
}

/**
 * Where a run stands, for a coach that has used no tool yet.
 *
 * @param shown How many clusters are listed, at most: small models have little room.
 * @param may Whether it may write a lesson, and a critique prompt; who may not is not told of them.
 */
export function stateText(
  observation: Observation,
  shown: number,
  may: { readonly teach: boolean; readonly write: boolean },
): string {
  const { round, rounds, roundsLeft, recipe } = observation;
  const last = rounds.at(-1);
  const failing = clusterLines(observation).slice(0, shown);
  return [
    `Round ${round} is next; rounds left: ${roundsLeft}.`,
    `Levers: ${leverTexts(observation).join("; ")}.`,
    ...costLines(observation),
    ...(last === undefined ? [] : [roundLine(last, recipe)]),
    ...(failing.length > 0 ? [`Failures: ${failing.join("; ")}.`] : []),
    ...(may.teach ? [lessonOffer] : []),
    ...(may.write ? [variantOffer] : []),
  ].join("\n");
}

const lessonOffer =
  'propose takes "lesson": {"cluster": ID, "text": TEXT} or null, too: one sentence against its mistake.';

const variantOffer =
  'prompt {} shows what the critic is asked with; propose takes "variant": TEXT or null, too: another such text, with the same {{names}}, that half of the failures are tried with.';

/** Every lever that can be moved, with its value in the recipe and what it may be. */
function leverTexts(observation: Observation): string[] {
  const { recipe, limits } = observation;
  return levers.flatMap((lever) => {
    const value = recipe[lever];
    if (value === undefined) return [];
    const may = choices(lever, observation) ?? rangeText(limits[lever]);
    return may === null ? [] : [`${lever} ${figure(value)} (${may})`];
  });
}

/** What a round may cost, all levers together; nothing where there is no margin. */
function costLines(observation: Observation): string[] {
  const limit = costLimit(observation);
  if (limit === null) return [];
  const { recipe, most, unit } = limit;
  return [
    `Cost of the round: ${costText(recipe)} ${unit} as the recipe says, at most ${costText(most)}.`,
  ];
}

function choices(lever: Lever, observation: Observation): string | null {
  if (lever === "critique") return "true or false";
  if (lever === "critique.prompt") return ["as it is", ...observation.critiquePrompts].join(", ");
  if (lever === "critique.trial") {
    return `on half: ${[noTrial, ...trialsOf(observation, {})].filter((name) => name !== observation.recipe[lever]).join(", ")}`;
  }
  return lever === "retrain.from" ? "base or incumbent" : null;
}

function rangeText(range: { readonly least: number; readonly most: number } | undefined) {
  return range === undefined ? null : `${figure(range.least)} to ${figure(range.most)}`;
}

/**
 * What a round did and what came of it. Of suites there are counts alone.
 *
 * @param recipe Settings that need no telling.
 */
export function roundLine(round: RoundSeen, recipe: LeverSettings): string {
  const { number, outcome, tasks, attempts, right, solved, diversity, validation } = round;
  const { trial, revisions, examined, examples, loss, gate, retention, reason, tokens } = round;
  const of = (what: string, some: number, all: number) => `${what} ${some} of ${all}`;
  const counted = [
    of("right attempts", right, attempts),
    of("solved tasks", solved, tasks),
    diversity !== null && `diversity ${figure(diversity)}`,
    trial && trialText(trial),
    revisions && of("mended by revision", revisions.fixed, revisions.asked),
    examined && of("wrong mended", examined.fixed, examined.wrong),
    examined && of("right broken", examined.broken, examined.right),
    `examples ${examples}`,
    loss !== null && `loss ${figure(loss)}`,
    validation && of("learned tasks right", validation.learned.right, validation.learned.tasks),
    validation && of("unseen tasks right", validation.unseen.right, validation.unseen.tasks),
    `tokens ${tokens}`,
    gate && `gate ${gate.baseline} to ${gate.candidate} of ${gate.tasks}`,
    ...(round.retentionSuites ?? (retention ? [retention] : [])).map(retentionText),
  ];
  const why = reason === "" ? outcome : `${outcome} (${clipped(reason, longestReason)})`;
  const changed = changesText(round.settings, recipe);
  return `Round ${number}${changed}: ${[why, ...counted.filter((each) => typeof each === "string")].join(", ")}.`;
}

function trialText({ own, tried }: NonNullable<RoundSeen["trial"]>): string {
  const [first, second] = [own, tried].map(
    ({ prompt, fixed, asked }) => `${prompt} ${fixed} of ${asked}`,
  );
  return `trial: mended with ${first}, with ${second}`;
}

/** The levers that a round had otherwise than the recipe. */
function changesText(settings: LeverSettings, recipe: LeverSettings): string {
  const changed = levers.flatMap((lever) => {
    const value = settings[lever];
    return value === undefined || value === recipe[lever] ? [] : [`${lever} ${figure(value)}`];
  });
  return changed.length === 0 ? "" : `, ${changed.join(", ")}`;
}

function retentionText(seen: RetentionSeen): string {
  const { suite, baseline, candidate, tasks, worst, margin } = seen;
  return `${retentionLabel(suite)} ${baseline} to ${candidate} of ${tasks}, worst loss ${figure(worst)}, margin ${figure(margin)}`;
}

/** Groups of failures, the largest of late first. */
export function clusterLines({ clusters }: Observation): string[] {
  const latest = ({ sizes }: ClusterSeen) => sizes.at(-1)?.failures ?? 0;
  return clusters
    .map((cluster, position) => ({ cluster, alias: clusterAlias(position) }))
    .filter(({ cluster }) => cluster.state !== "gone")
    .sort((a, b) => latest(b.cluster) - latest(a.cluster))
    .map(({ cluster, alias }) => {
      const { name, state } = cluster;
      return `${alias} ${quoted(name, longestName)}, ${state}, ${latest(cluster)}`;
    });
}

/** A value without digits that nobody reads. */
export function figure(value: LeverValue): string {
  return typeof value === "number" ? `${Number(value.toPrecision(3))}` : `${value}`;
}
