import type { Candidate, Evaluation } from "../core/entities.js";
import { retentionLabel } from "../core/retention.js";
import type { Suite, SuiteAnswers } from "../core/round.js";
import { type AnswerPorts, answerTasks } from "./support/answers.js";
import { countVerdicts } from "./support/counts.js";
import { askUntilDecided } from "./support/look.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * Incumbent and candidate answer the gate suite and all retention suites; the same questions, greedily.
 * A sequential gate asks its suite only until it is decided, and as often as the recipe says.
 */
export async function evaluate(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const models = input.candidate ? [input.incumbent, input.candidate] : [input.incumbent];
  const sequential = input.recipe.gate.test === "sequential";
  const whole = sequential ? (["retention"] as const) : (["gate", "retention"] as const);
  const suites = whole.filter((suite) => input.tasks[suite].length > 0);
  const evaluations: SuiteAnswers[] = sequential ? await askUntilDecided(input, ports) : [];
  for (const model of models) {
    for (const suite of suites) {
      const known = input.rows.evaluations.find(
        (answers) => answers.suite === suite && answers.adapter === (model?.sha256 ?? null),
      );
      evaluations.push(known ?? (await answerSuite(input, ports, suite, model)));
    }
  }
  const summary = evaluations.flatMap(({ suite, adapter, items }) => {
    const model = adapter === (input.incumbent?.sha256 ?? null) ? "incumbent" : "candidate";
    return partsOf(input, suite, items).map(({ label, part }) => [
      `${label} ${model}`,
      `${countVerdicts(part).ok}/${part.length}`,
    ]);
  });
  return { rows: { evaluations }, summary: Object.fromEntries(summary) };
}

/** A suite's answers as they are counted: those to retention suites with names by these. */
function partsOf({ recipe, tasks }: StageInput, suite: Suite, items: readonly Evaluation[]) {
  if (suite !== "retention" || recipe.retention?.suites === undefined) {
    return [{ label: suite, part: items }];
  }
  const suiteOf = new Map(tasks.retention.map((task) => [task.id, task.suite]));
  return recipe.retention.suites.map(({ name }) => ({
    label: retentionLabel(name),
    part: items.filter(({ taskId }) => suiteOf.get(taskId) === name),
  }));
}

/** One model's answers to a whole suite, one each. The sealed suite is asked only when a run has ended. */
export async function answerSuite(
  input: Pick<StageInput, "recipe" | "prompts" | "tasks">,
  ports: AnswerPorts,
  suite: Suite,
  model: Candidate | null,
): Promise<SuiteAnswers> {
  const asked = { suite, tasks: input.tasks[suite], attempts: 1 };
  return {
    suite,
    adapter: model?.sha256 ?? null,
    items: await answerTasks(input, ports, asked, model),
  };
}
