import { z } from "zod";
import { invisible } from "../../core/invisible.js";
import {
  type Lever,
  type LeverSettings,
  type LeverValue,
  levers,
  type Observation,
} from "../../core/policy.js";
import { withoutControlTokens } from "../../stages/support/judging/quoted.js";
import { CoachFault } from "./faults.js";
import { clusterCalled, figure } from "./state.js";
import type { CoachPorts } from "./types.js";

/** Longest lesson that a coach may write, in characters. */
export const longestLesson = 200;

/**
 * What a coach may ask for, and all of it. Settings are pairs, so that no key of its choice is ever one of an
 * object's; how long texts are and whether values fit is checked apart, since not every server takes such schemas.
 */
export const proposalSchema = z.strictObject({
  settings: z
    .array(
      z.strictObject({
        lever: z.enum(levers),
        value: z.union([z.number(), z.boolean(), z.string()]),
      }),
    )
    .default([]),
  cluster: z.string().nullable().default(null),
  lesson: z.strictObject({ cluster: z.string(), text: z.string() }).nullable().default(null),
  stop: z.string().nullable().default(null),
  because: z.string(),
});

export type Proposal = z.infer<typeof proposalSchema>;

/** A proposal of which everything may be done. */
export interface Accepted {
  /** Only what differs from the recipe. */
  readonly settings: LeverSettings;
  /** The id of the cluster to take up first. */
  readonly cluster: string | null;
  readonly lesson: { readonly cluster: string; readonly text: string } | null;
  readonly stop: string | null;
  readonly because: string;
}

const wholeNumbers: readonly Lever[] = [
  "elicit.tasksPerRound",
  "generate.attempts",
  "refine.tries",
  "curate.maximum",
  "retrain.epochs",
  "retrain.rank",
];

/**
 * Takes a proposal as it is. Nothing is moved into its limits: what a coach did not mean is not done in its name.
 *
 * @throws CoachFault `refused`, with the first thing that it may not have.
 */
export function accept(
  proposal: Proposal,
  observation: Observation,
  { objection, leaks }: Pick<CoachPorts, "objection" | "leaks">,
): Accepted {
  const settings = acceptSettings(proposal.settings, observation);
  const contradiction = objection(settings);
  if (contradiction !== null) throw refused(`its settings contradict the recipe: ${contradiction}`);
  const { stop, because } = proposal;
  if (because.trim() === "") throw refused("it gives no reason");
  if (stop !== null && stop.trim() === "") throw refused("it asks to stop and gives no reason");
  if (stop !== null && observation.rounds.length === 0) {
    throw refused("it asks to stop before any round has shown anything");
  }
  const lesson = proposal.lesson && acceptLesson(proposal.lesson, observation, leaks);
  return {
    ...{ settings, lesson, stop, because },
    cluster: proposal.cluster === null ? null : failingCluster(observation, proposal.cluster),
  };
}

function acceptSettings(
  pairs: Proposal["settings"],
  observation: Observation,
): Record<string, LeverValue> {
  const asked = new Set<Lever>();
  const settings: Record<string, LeverValue> = {};
  for (const { lever, value } of pairs) {
    if (asked.has(lever)) throw refused(`it sets ${lever} twice`);
    asked.add(lever);
    const why = reasonAgainst(lever, value, observation);
    if (why !== null) throw refused(`${lever}: ${why}`);
    if (value !== observation.recipe[lever]) settings[lever] = value;
  }
  return settings;
}

function reasonAgainst(lever: Lever, value: LeverValue, observation: Observation): string | null {
  const { recipe, limits, critiquePrompts } = observation;
  const now = recipe[lever];
  if (now === undefined) return "the recipe has no such thing to set";
  if (value === now) return null;
  if (typeof value !== typeof now) return `a ${typeof value} in the place of a ${typeof now}`;
  if (lever === "critique.prompt") {
    return critiquePrompts.includes(value as string)
      ? null
      : "it is none of policy.critiquePrompts";
  }
  if (lever === "retrain.from") {
    return value === "base" || value === "incumbent" ? null : "it is neither base nor incumbent";
  }
  if (typeof value !== "number") return null;
  const range = limits[lever];
  if (range === undefined) return "it has no limits within which it could be moved";
  // Written so that what is no number at all is outside.
  if (!(value >= range.least && value <= range.most)) {
    return `${value} is not within ${figure(range.least)} and ${figure(range.most)}`;
  }
  if (wholeNumbers.includes(lever) && !Number.isInteger(value)) return `${value} is not whole`;
  return null;
}

function failingCluster(observation: Observation, alias: string): string {
  const cluster = clusterCalled(observation, alias);
  if (cluster === null) throw refused("it names a cluster that there is not");
  if (!observation.tasks.some((task) => task.cluster === cluster.id)) {
    throw refused(`${alias} has no task to take up`);
  }
  return cluster.id;
}

/** A lesson rests on failures of training tasks, and holds nothing of any one task. */
function acceptLesson(
  lesson: { readonly cluster: string; readonly text: string },
  observation: Observation,
  leaks: CoachPorts["leaks"],
) {
  const cluster = failingCluster(observation, lesson.cluster);
  const text = lesson.text.trim();
  if (text === "") throw refused("its lesson is empty");
  if ([...text].length > longestLesson) {
    throw refused(`its lesson has more than ${longestLesson} characters`);
  }
  if (text.search(invisible) >= 0 || withoutControlTokens(text) !== text) {
    throw refused("its lesson is not one line of text that can be seen");
  }
  // What it holds is not said: the reason becomes a row that is shown.
  if (leaks(text)) throw refused("its lesson holds the question or the reference of a task");
  return { cluster, text };
}

const refused = (why: string) => new CoachFault("refused", why);
