import {
  type ClusterSeen,
  type Lever,
  type LeverValue,
  levers,
  type Observation,
  type RoundSeen,
} from "../../core/policy.js";
import { quoted } from "./quoted.js";

/** Characters of a cluster's name that a coach reads. */
const longestName = 60;

/** A cluster as a coach calls it: short, and of this observation alone. */
export const clusterAlias = (position: number) => `c${position + 1}`;

/** The cluster that a coach means; null for any other word. */
export function clusterCalled({ clusters }: Observation, alias: string): ClusterSeen | null {
  return clusters.find((_, position) => clusterAlias(position) === alias) ?? null;
}

/**
 * Where a run stands, for a coach that has used no tool yet.
 *
 * @param shown How many clusters are listed, at most: small models have little room.
 */
export function stateText(observation: Observation, shown: number): string {
  const { round, rounds, roundsLeft } = observation;
  const last = rounds.at(-1);
  const failing = clusterLines(observation).slice(0, shown);
  return [
    `Round ${round} is next; rounds left: ${roundsLeft}.`,
    `Levers: ${leverTexts(observation).join("; ")}.`,
    ...(last === undefined ? [] : [roundLine(last)]),
    ...(failing.length > 0 ? [`Failures: ${failing.join("; ")}.`] : []),
  ].join("\n");
}

/** Every lever that can be moved, with its value in the recipe and what it may be. */
function leverTexts({ recipe, limits, critiquePrompts }: Observation): string[] {
  return levers.flatMap((lever) => {
    const value = recipe[lever];
    if (value === undefined) return [];
    const may = choices(lever, critiquePrompts) ?? rangeText(limits[lever]);
    return may === null ? [] : [`${lever} ${figure(value)} (${may})`];
  });
}

function choices(lever: Lever, critiquePrompts: readonly string[]): string | null {
  if (lever === "critique") return "true or false";
  if (lever === "critique.prompt") return ["as it is", ...critiquePrompts].join(", ");
  return lever === "retrain.from" ? "base or incumbent" : null;
}

function rangeText(range: { readonly least: number; readonly most: number } | undefined) {
  return range === undefined ? null : `${figure(range.least)} to ${figure(range.most)}`;
}

/** What a round did and what came of it. Of suites there are counts alone. */
export function roundLine(round: RoundSeen): string {
  const { number, outcome, tasks, attempts, right, solved, diversity, validation } = round;
  const { revisions, examined, examples, loss, gate, retention } = round;
  const of = (what: string, some: number, all: number) => `${what} ${some} of ${all}`;
  const counted = [
    of("right attempts", right, attempts),
    of("solved tasks", solved, tasks),
    diversity !== null && `diversity ${figure(diversity)}`,
    revisions && of("mended by revision", revisions.fixed, revisions.asked),
    examined && of("wrong mended", examined.fixed, examined.wrong),
    examined && of("right broken", examined.broken, examined.right),
    `examples ${examples}`,
    loss !== null && `loss ${figure(loss)}`,
    validation && of("learned tasks right", validation.learned.right, validation.learned.tasks),
    validation && of("unseen tasks right", validation.unseen.right, validation.unseen.tasks),
    gate && `gate ${gate.baseline} to ${gate.candidate} of ${gate.tasks}`,
    retention && `retention ${retention.baseline} to ${retention.candidate} of ${retention.tasks}`,
  ];
  return `Round ${number}: ${[outcome, ...counted.filter((each) => typeof each === "string")].join(", ")}.`;
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
