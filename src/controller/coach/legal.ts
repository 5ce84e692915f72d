import { z } from "zod";
import { isWhole, noTrial } from "../../core/levers.js";
import { planProblem, trialsOf } from "../../core/plan.js";
import { type Lever, type LeverValue, levers, type Observation } from "../../core/policy.js";
import { mayTeach, type Proposal } from "./proposal.js";
import { clustersWithTasks } from "./state.js";
import type { CoachPorts } from "./types.js";

/** Characters of a text; a small model may take a token for each of them. */
const sentence = z.string().min(1).max(80);
/** Numbers that a lever can be given, at most. */
const mostValues = 7;

/** What a grammar lets a coach write: only what would be taken. */
export interface LegalForms {
  /** Clusters with tasks to take up, as a coach calls them; null where there are none. */
  readonly cluster: z.ZodType<string> | null;
  readonly proposal: z.ZodType<Proposal>;
}

/**
 * Proposals that a small model can be held to: of one lever at most, in a value that differs from the recipe's, with short
 * texts. It cannot ask to stop: the default weights did, in words that they had copied, and nothing takes that back. What
 * they say is checked like any other's.
 */
export function legalForms(
  observation: Observation,
  { objection, lessonObjection }: Pick<CoachPorts, "objection" | "lessonObjection">,
): LegalForms {
  const cluster = clusterName(observation);
  const setting = settingsOf(observation, objection);
  const teaches = mayTeach(observation, lessonObjection);
  const lesson = cluster && teaches ? z.strictObject({ cluster, text: sentence }) : null;
  const proposal = z.strictObject({
    settings: z.array(setting ?? z.null()).max(setting === null ? 0 : 1),
    cluster: cluster?.nullable() ?? z.null(),
    lesson: lesson?.nullable() ?? z.null(),
    variant: z.null(),
    stop: z.null(),
    because: sentence,
  });
  return { cluster, proposal: proposal as z.ZodType<unknown> as z.ZodType<Proposal> };
}

function clusterName(observation: Observation) {
  const names = clustersWithTasks(observation);
  return names.length === 0 ? null : z.enum(names);
}

function settingsOf(observation: Observation, objection: CoachPorts["objection"]) {
  const settings = levers.flatMap((lever) => {
    const values = valuesOf(lever, observation).filter(
      (value) =>
        value !== observation.recipe[lever] &&
        objection({ [lever]: value }) === null &&
        planProblem(planWith(lever, value, observation), observation) === null,
    );
    return values.length === 0
      ? []
      : [z.strictObject({ lever: z.literal(lever), value: z.literal(values) })];
  });
  return settings.length === 0 ? null : z.union(settings);
}

const planWith = (lever: Lever, value: LeverValue, { round }: Observation) => ({
  ...{ round, author: "coach" as const, settings: { [lever]: value }, tasks: null },
  ...{ decisions: [], stop: null, fallback: null },
});

function valuesOf(lever: Lever, observation: Observation): LeverValue[] {
  const { recipe, limits, critiquePrompts } = observation;
  const now = recipe[lever];
  if (lever === "critique.prompt") return [...critiquePrompts];
  if (lever === "critique.trial") return [noTrial, ...trialsOf(observation, {})];
  if (lever === "retrain.from") return ["base", "incumbent"];
  if (typeof now === "boolean") return [true, false];
  const range = limits[lever];
  return typeof now === "number" && range !== undefined ? spread(range, isWhole(lever)) : [];
}

/** A few values from the least to the most, by equal factors where there are such. */
function spread({ least, most }: { least: number; most: number }, whole: boolean): number[] {
  const between = Array.from({ length: mostValues - 2 }, (_, i) => {
    const part = (i + 1) / (mostValues - 1);
    const value = least > 0 ? least * (most / least) ** part : most * part;
    return whole ? Math.round(value) : Number(value.toPrecision(2));
  });
  return [...new Set([least, ...between.filter((v) => v > least && v < most), most])];
}
