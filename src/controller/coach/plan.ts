import { seedFor } from "../../core/hash.js";
import type { Lever, LeverValue, Observation, Plan, PolicyDecision } from "../../core/policy.js";
import { shuffled } from "../../core/random.js";
import { redact } from "../../core/secrets.js";
import type { CoachFault } from "./faults.js";
import { clipped } from "./quoted.js";
import type { Accepted } from "./types.js";

/** Characters of a reason that are kept. */
const longestReason = 300;
const reasonOf = (text: string) => clipped(redact(text), longestReason);

/** An accepted proposal as the plan of the next round, with a decision for each thing that it changes. */
export function planOf(accepted: Accepted, observation: Observation): Plan {
  const { settings, cluster, lesson, variant } = accepted;
  const [because, saw] = [reasonOf(accepted.because), seenBy(observation)];
  const stop = accepted.stop === null ? null : reasonOf(accepted.stop);
  const decision = (
    what: PolicyDecision["what"],
    from: LeverValue | null,
    to: LeverValue | null,
  ): PolicyDecision => ({ rule: "coach", what, from, to, because, saw });
  const decisions = [
    ...Object.entries(settings).map(([lever, to]) =>
      decision(lever as Lever, observation.recipe[lever as Lever] ?? null, to),
    ),
    ...(cluster === null ? [] : [decision("tasks", null, cluster)]),
    ...(lesson === null
      ? []
      : [
          {
            ...decision("lesson", null, lesson.text),
            saw: { ...saw, cluster: lesson.cluster },
          },
        ]),
    ...(stop === null ? [] : [decision("stop", null, stop)]),
  ];
  return {
    ...{ round: observation.round, author: "coach", settings, stop, fallback: null },
    tasks: cluster === null ? null : tasksOf(cluster, accepted, observation),
    decisions: decisions.length > 0 ? decisions : [decision("plan", null, "as the recipe says")],
    ...(variant === null ? {} : { variant }),
  };
}

/** The rules' plan in the place of a coach's, which says why. */
export function fallbackPlan(fault: CoachFault, rules: Plan, observation: Observation): Plan {
  const reason = reasonOf(fault.message);
  const decision: PolicyDecision = {
    ...{ rule: "coach", what: "plan", from: "coach", to: rules.author },
    because: `The coach's proposal was not taken (${fault.kind}): ${reason}`,
    saw: { ...seenBy(observation), fault: fault.kind },
  };
  const decisions = [decision, ...rules.decisions];
  return { ...rules, decisions, fallback: `${fault.kind}: ${reason}` };
}

/** A cluster's tasks first, then others, as many as a round takes up. */
function tasksOf(cluster: string, { settings }: Accepted, observation: Observation): string[] {
  const { seed, round, recipe, tasks } = observation;
  const count = Number(settings["elicit.tasksPerRound"] ?? recipe["elicit.tasksPerRound"] ?? 0);
  const some = (inside: boolean) =>
    shuffled(
      tasks.filter((task) => (task.cluster === cluster) === inside).map(({ id }) => id),
      seedFor(seed, "coach", round, inside ? "cluster" : "others"),
    );
  const ordered = [...some(true), ...some(false)];
  return count > 0 ? ordered.slice(0, count) : ordered;
}

/** The figures of the last round, which every coach is shown. */
function seenBy({ rounds }: Observation): Record<string, LeverValue | null> {
  const last = rounds.at(-1);
  if (last === undefined) return { round: null };
  const { number, right, attempts, solved, tasks, outcome, gate } = last;
  return { round: number, right, attempts, solved, tasks, outcome, gate: gate?.candidate ?? null };
}
