import { z } from "zod";
import { invisible } from "../../core/invisible.js";
import { coachMayStop, planProblem } from "../../core/plan.js";
import {
  type CritiqueVariant,
  type Lever,
  type LeverSettings,
  type LeverValue,
  levers,
  type Observation,
} from "../../core/policy.js";
import { withoutControlTokens } from "../../stages/support/judging/quoted.js";
import { CoachFault } from "./faults.js";
import { planOf } from "./plan.js";
import { clusterCalled, clustersWithTasks } from "./state.js";
import type { Accepted, CoachLesson, CoachPorts } from "./types.js";

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
  variant: z.string().nullable().default(null),
  stop: z.string().nullable().default(null),
  because: z.string(),
});

export type Proposal = z.infer<typeof proposalSchema>;

/** What may be asked for before one round, where a model is held to a schema: no lesson, prompt or stop where none counts. */
export function offeredSchema(
  observation: Observation,
  { lessonObjection, variant: mayWrite }: Pick<CoachPorts, "lessonObjection" | "variant">,
): z.ZodType<Proposal> {
  const none = z.null().default(null);
  const { lesson, variant, stop } = proposalSchema.shape;
  return proposalSchema.extend({
    variant: mayWrite === null ? none : variant,
    lesson: mayTeach(observation, lessonObjection) ? lesson : none,
    stop: coachMayStop(observation) ? stop : none,
  });
}

/** Whether a lesson can be kept: there is a memory, and a group of failures to learn it from. */
export function mayTeach(
  observation: Observation,
  lessonObjection: CoachPorts["lessonObjection"],
): boolean {
  return lessonObjection !== null && clustersWithTasks(observation).length > 0;
}

/**
 * Takes a proposal as it is. Nothing is moved into its limits: what a coach did not mean is not done in its name.
 *
 * @throws CoachFault `refused`, with the first thing that it may not have.
 */
export async function accept(
  proposal: Proposal,
  observation: Observation,
  ports: Pick<CoachPorts, "objection" | "lessonObjection" | "leaks" | "variant">,
): Promise<Accepted> {
  const { stop, because } = proposal;
  if (because.trim() === "") throw refused("it gives no reason");
  if (stop !== null && stop.trim() === "") throw refused("it asks to stop and gives no reason");
  const variant = proposal.variant === null ? null : await acceptVariant(proposal, ports);
  const tried = variant === null ? {} : { "critique.trial": variant.name };
  const accepted = {
    settings: { ...settingsOf(proposal.settings, observation), ...tried },
    ...{ variant, stop, because },
    cluster: proposal.cluster === null ? null : failingCluster(observation, proposal.cluster),
    lesson: proposal.lesson && acceptLesson(proposal.lesson, observation, ports),
  };
  const problem = planProblem(planOf(accepted, observation), observation);
  if (problem !== null) throw refused(problem);
  const contradiction = ports.objection(accepted.settings, variant);
  if (contradiction !== null) throw refused(`its settings contradict the recipe: ${contradiction}`);
  return accepted;
}

/** Pairs as settings, without those that the recipe has anyway. */
function settingsOf(pairs: Proposal["settings"], { recipe }: Observation): LeverSettings {
  const asked = new Set<Lever>();
  const settings: Partial<Record<Lever, LeverValue>> = {};
  for (const { lever, value } of pairs) {
    if (asked.has(lever)) throw refused(`it sets ${lever} twice`);
    asked.add(lever);
    if (value !== recipe[lever]) settings[lever] = value;
  }
  return settings;
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
  { lessonObjection, leaks }: Pick<CoachPorts, "lessonObjection" | "leaks">,
): CoachLesson {
  if (lessonObjection === null) throw refused("it writes a lesson, and this recipe keeps none");
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
  const objection = lessonObjection({ cluster, text });
  if (objection !== null) throw refused(`its lesson would not be kept: ${objection}`);
  return { cluster, text };
}

/** A prompt of its own is tried on half of the failures; it does not take the place of the recipe's. */
async function acceptVariant(
  { variant, settings }: Proposal,
  ports: Pick<CoachPorts, "variant">,
): Promise<CritiqueVariant> {
  if (ports.variant === null) throw refused("it writes a critique prompt, and none may be written");
  if (settings.some(({ lever }) => lever === "critique.trial")) {
    throw refused("it writes a critique prompt and tries another one");
  }
  const text = variant as string;
  if (withoutControlTokens(text) !== text) {
    throw refused("its prompt has words that only a chat template may have");
  }
  const read = await ports.variant(text);
  if ("objection" in read) throw refused(read.objection);
  return read;
}

const refused = (why: string) => new CoachFault("refused", why);
