import { sha256 } from "../core/hash.js";
import type { Recipe } from "../core/recipe.js";
import { duration } from "../report/index.js";
import { readRetention } from "../sources/retention.js";
import { armName } from "../studies/design.js";
import { recipeOf } from "../studies/load.js";
import { orderOf } from "../studies/order.js";
import { detectable, type PlannedRun, plannedCalls, plannedStudy } from "../studies/plan.js";
import type { Output } from "./output.js";
import type { CheckedStudy } from "./studies.js";
import { tableLines } from "./table.js";

/**
 * Says what a study will do and what it can find, before anything is paid for.
 *
 * @param pace Seconds that calls and trainings took in this workspace; null where nothing is known.
 */
export function showPlan(
  checked: CheckedStudy,
  pace: { readonly call: number; readonly training: number } | null,
  output: Output,
): void {
  const { spec, recipe, arms } = checked;
  const treatments = arms.filter(({ role }) => role === "treatment");
  const runs = orderOf(spec, arms);
  const byId = new Map(arms.map((arm) => [arm.id, arm]));
  const retention = readRetention(recipe.retention).length;
  const planned = runs.map(({ arm, seed }) =>
    plannedRun(recipeOf(spec, recipe, byId.get(arm)!, seed), retention),
  );
  const calls = plannedStudy(planned);
  const smallest = detectable(spec, arms, recipe.tasks.gate);
  const seconds = pace && calls.shared * pace.call + runs.length * pace.training;
  output.result({
    kind: "study-plan",
    arms: arms.map((arm) => ({ ...arm, name: armName(arm) })),
    runs,
    calls,
    detectable: smallest,
    seconds,
  });
  output.line(`Study ${spec.name}${spec.question === "" ? "" : `: ${spec.question}`}\n`);
  const rows = arms.map((arm) => [arm.id, armName(arm), armCalls(checked, arm.id, retention)]);
  for (const text of tableLines(rows)) output.line(text);
  const saved = (100 * calls.shared) / calls.alone;
  output.line(
    `\n${treatments.length} treatments and 2 controls, ${spec.seeds.length} seeds: ${runs.length} runs` +
      `, at most ${calls.shared} calls (${calls.alone} if each run were alone: ${saved.toFixed(0)}%)` +
      `${spec.design.kind === "halving" ? ", fewer where arms are stopped" : ""}.`,
  );
  output.line(
    `With ${recipe.tasks.gate} gate tasks and ${spec.seeds.length} seeds a treatment must differ from the control by ` +
      `${(smallest * 100).toFixed(1)} points to be found four times out of five (${spec.expect.discordant} of tasks ` +
      `answered otherwise, seeds ${(spec.expect.seedDeviation * 100).toFixed(1)} points apart, Holm over ${treatments.length}).`,
  );
  if ((spec.together ?? 1) > 1) {
    output.line(`Up to ${spec.together} runs of a seed are worked on side by side.`);
  }
  output.line(
    seconds === null
      ? "How long it takes is not known before a run has finished here."
      : `About ${duration(seconds)} at the pace of the runs that finished here.`,
  );
}

function plannedRun(recipe: Recipe, retention: number): PlannedRun {
  const { seed, generate, teacher, elicit, tasks, student, curate } = recipe;
  return {
    calls: plannedCalls(recipe, retention),
    rounds: recipe.rounds,
    drafts: sha256({ seed, generate, teacher, elicit, tasks, student }),
    base: sha256({ tasks, student, replay: curate.replay }),
  };
}

function armCalls(checked: CheckedStudy, id: string, retention: number): string {
  const arm = checked.arms.find((each) => each.id === id)!;
  if (arm.role === "untrained") return "answers that all arms share";
  const { spec, recipe } = checked;
  const calls = plannedCalls(recipeOf(spec, recipe, arm, spec.seeds[0]!), retention);
  if (arm.role === "equal-compute") return "as many attempts as the others' tokens pay for";
  return `${calls.drafts} attempts, at most ${calls.reworked + calls.examined} critiques and revisions, ${calls.candidate} answers a round`;
}
