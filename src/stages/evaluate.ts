import type { Candidate, Evaluation, Task } from "../core/entities.js";
import type { Suite, SuiteAnswers } from "../core/round.js";
import { countVerdicts } from "./support/counts.js";
import { greedy, requestFor, studentQuestion } from "./support/requests.js";
import { exceptUnanswered } from "./support/unanswered.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/** Incumbent and candidate answer the gate suite and the retention suite; the same questions, greedily. */
export async function evaluate(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const models = input.candidate ? [input.incumbent, input.candidate] : [input.incumbent];
  const suites = (["gate", "retention"] as const).filter((suite) => input.tasks[suite].length > 0);
  const evaluations: SuiteAnswers[] = [];
  for (const model of models) {
    for (const suite of suites) {
      const known = input.rows.evaluations.find(
        (answers) => answers.suite === suite && answers.adapter === (model?.sha256 ?? null),
      );
      evaluations.push(known ?? (await answerSuite(input, ports, suite, model)));
    }
  }
  const summary = evaluations.map(({ suite, adapter, items }) => [
    `${suite} ${adapter === (input.incumbent?.sha256 ?? null) ? "incumbent" : "candidate"}`,
    `${countVerdicts(items).ok}/${items.length}`,
  ]);
  return { rows: { evaluations }, summary: Object.fromEntries(summary) };
}

/** One model's answers to one suite. The sealed suite is asked only when a run has ended. */
export async function answerSuite(
  { recipe, prompts, tasks }: Pick<StageInput, "recipe" | "prompts" | "tasks">,
  ports: Pick<StagePorts, "complete" | "verify">,
  suite: Suite,
  model: Candidate | null,
): Promise<SuiteAnswers> {
  // Retention asks as anyone would, without the student's instructions.
  const questionOf = (task: Task) =>
    suite === "retention"
      ? requestFor(
          [{ role: "user", content: task.prompt }],
          greedy(recipe.retention?.maxTokens ?? recipe.student.maxTokens),
          "evaluate",
        )
      : requestFor(
          studentQuestion(prompts, model?.memory ?? null, task),
          greedy(recipe.student.maxTokens),
          "evaluate",
        );
  const suiteTasks = tasks[suite];
  const completions = await ports.complete(suiteTasks.map(questionOf), model?.weights ?? null);
  const answers = completions.map(({ text }) => text.trim());
  const checked = await ports.verify(suiteTasks.map((task, i) => ({ task, answer: answers[i]! })));
  const verdicts = exceptUnanswered(checked, completions);
  const items = suiteTasks.map(
    (task, position): Evaluation => ({
      taskId: task.id,
      callKey: completions[position]!.callKey,
      answer: answers[position]!,
      verdict: verdicts[position]!,
    }),
  );
  return { suite, adapter: model?.sha256 ?? null, items };
}
