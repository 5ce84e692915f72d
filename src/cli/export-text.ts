import {
  type Decision,
  type Example,
  isWholeModel,
  type Look,
  type PairedComparison,
} from "../core/entities.js";
import { escapedJson } from "../core/invisible.js";
import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { points } from "../core/points.js";
import { retentionLabel } from "../core/retention.js";
import type { AdapterRow } from "../core/round.js";
import type { RunRow } from "../store/runs.js";
import type { Merged } from "./merged.js";
import { mergedRows, mergedSection } from "./merged-text.js";

/** Examples in the chat format that most trainers read, one JSON object a line. */
export function trainingSet(examples: readonly Example[]): string {
  return examples
    .map(({ messages, completion, taskId, source, originRound, lesson }) => {
      const answer = { role: "assistant", content: completion };
      const metadata = { task: taskId, source, round: originRound, ...(lesson && { lesson }) };
      return `${escapedJson({ messages: [...messages, answer], metadata })}\n`;
    })
    .join("");
}

/** Where an exported adapter is from, what is known of it, and how to load it. */
export function exportReadme(facts: {
  run: RunRow;
  adapter: AdapterRow;
  round: number;
  decision: Decision | null;
  examples: number;
  baseSha256: string | null;
  baseName: string | null;
  peftSha256: string | null;
  merged: Merged | null;
}): string {
  const { run, adapter, round, decision, examples, baseSha256, peftSha256, merged } = facts;
  const from = adapter.parent === null ? "the base weights" : `adapter ${adapter.parent}`;
  const rows = [
    [
      "base weights, sha256",
      `${baseSha256 ?? "not recorded"}${facts.baseName ? ` (${facts.baseName})` : ""}`,
    ],
    ...(adapter.memory === null ? [] : [["memory.json, sha256", adapter.sha256]]),
    ...weightRows(adapter, peftSha256),
    ...(merged === null ? [] : mergedRows(merged)),
    ["run, round", `${run.id}, ${round}`],
    ["recipe hash, seed", `${run.recipeHash}, ${run.recipe.seed}`],
    ["started from", from],
    ...(adapter.weights === null
      ? []
      : [
          [
            "training",
            `${examples} examples, ${adapter.tokens} tokens, final loss ${adapter.finalLoss?.toFixed(3) ?? "not recorded"}`,
          ],
        ]),
    ["decision", decision?.outcome ?? "none yet"],
    ["gate", decision?.look ? lookFigures(decision.look, decision.alpha) : figures(decision?.gate)],
    ...retentionRows(decision),
  ];
  const sections = [
    ...(adapter.weights === null ? [] : [loading(adapter, facts.baseName ?? "base.gguf")]),
    ...(merged === null ? [] : [mergedSection(merged, isWholeModel(adapter))]),
    ...(adapter.memory === null ? [] : [memorySection]),
    examplesSection,
  ];
  return `# Adapter of ${run.id}, round ${round}

${whatItIs(adapter)}

| | |
| --- | --- |
${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

The gate suite chose between candidates, so its figure is slightly flattering; the run's report has
the sealed suite's. ${isWholeModel(adapter) ? wholeFits : adapterFits}

${sections.join("\n")}`;
}

const adapterFits = `The adapter belongs to exactly the base weights above: on another quantisation of
the same model it is weaker.`;

const wholeFits = `The model was trained from the base weights above and needs them no more. The figures
are those of this very file, in half precision.`;

function weightRows(adapter: AdapterRow, peftSha256: string | null): string[][] {
  if (adapter.weights === null) return [];
  if (isWholeModel(adapter)) return [["model.gguf, sha256", adapter.weights]];
  return [
    ["adapter.gguf, sha256", adapter.weights],
    ["peft/adapter_model.safetensors, sha256", peftSha256 ?? "not recorded"],
  ];
}

function whatItIs(adapter: AdapterRow): string {
  if (adapter.weights === null)
    return "What a model learned from its own checked answers, as text before each question (redistill).";
  const what = isWholeModel(adapter)
    ? "A model, all of whose weights were trained on its own checked answers"
    : "LoRA weights that a model trained on its own checked answers";
  return adapter.memory === null
    ? `${what} (redistill).`
    : `${what}, and text that stands before each\nquestion; the figures are those of both together (redistill).`;
}

const loading = (adapter: AdapterRow, base: string) =>
  isWholeModel(adapter)
    ? `## llama.cpp

    llama-cli -m model.gguf
`
    : adapterLoading(base);

const adapterLoading = (base: string) => `## llama.cpp

    llama-cli -m ${base} --lora adapter.gguf

## PEFT

    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("<folder of the GGUF>", gguf_file="${base}")
    model = PeftModel.from_pretrained(base, "peft")
`;

const memorySection = `## The memory

\`messages.json\` are the messages of every question, in the chat format: put the task where \`{{task}}\`
stands in the last one. \`memory.md\` is the same as text, to be read or pasted into a system prompt (then it
is asked a little differently than it was measured). \`memory.json\` has each lesson and exemplar with
its evidence: the round, the training task, the attempt, the critique and the revision.
`;

const examplesSection = `## training-set.jsonl

The examples that it was trained on, in the chat format: \`messages\` ends with the answer to learn,
\`metadata\` has the task, the source (attempt, revision or replay) and the round of the answer. The
answers are the model's own.
`;

function lookFigures(look: Look, level: number): string {
  return `${points(lookDifference(look))} points${attemptsText(look)}, ${lookText(look, level)}`;
}

/** A row for each retention suite that has a name, or the one row that there always is. */
function retentionRows(decision: Decision | null): string[][] {
  const suites = decision?.retentionSuites;
  if (suites === undefined) return [["retention", figures(decision?.retention)]];
  return suites.map(({ name, comparison }) => [retentionLabel(name), figures(comparison)]);
}

function figures(comparison: PairedComparison | null | undefined): string {
  if (!comparison) return "not measured";
  const { tasks, baseline, candidate, difference, low, high, pBetter } = comparison;
  return `${baseline.ok} → ${candidate.ok} of ${tasks} right: ${points(difference)} points (95% interval ${points(low)} to ${points(high)}, one-sided p ${Number(pBetter.toPrecision(2))})`;
}
