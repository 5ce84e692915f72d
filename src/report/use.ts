import { isWholeModel } from "../core/entities.js";
import type { BestAdapter, RunReport } from "./report.js";

/** Ways to use the best adapter: a title, and what to type. */
export interface Use {
  readonly title: string;
  readonly lines: readonly string[];
}

/** How to ask, export and load the best adapter; empty where nothing was promoted. */
export function waysToUse({ run, best, tryPrompt }: RunReport): Use[] {
  if (best === null) return [];
  const prompt = tryPrompt === null ? "" : ` "${tryPrompt}"`;
  const base = baseFile(best);
  const from = `exports/${run}`;
  const copy = best.weights === null ? "Copy it out" : "Copy it out, with its training set";
  const always: Use[] = [
    {
      title: "Ask base and adapter side by side",
      lines: [`redistill sample${prompt} --run ${run}`],
    },
    { title: copy, lines: [`redistill export ${run}`] },
  ];
  const memory: Use[] = best.remembers
    ? [
        {
          title:
            "The memory, after the export: what stands before each question, as text and as messages",
          lines: [`${from}/memory.md`, `${from}/memory.json`],
        },
      ]
    : [];
  if (best.weights === null) return [...always, ...memory];
  if (isWholeModel(best)) {
    const title = "llama.cpp, after the export (other forms: redistill export --merged)";
    return [...always, ...memory, { title, lines: [`llama-cli -m ${from}/model.gguf`] }];
  }
  return [
    ...always,
    ...memory,
    {
      title: "llama.cpp, after the export",
      lines: [`llama-cli -m ${base} --lora ${from}/adapter.gguf`],
    },
    {
      title: "PEFT, after the export",
      lines: [
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM",
        "",
        `base = AutoModelForCausalLM.from_pretrained("folder-of-the-GGUF", gguf_file="${base}")`,
        `model = PeftModel.from_pretrained(base, "${from}/peft")`,
      ],
    },
  ];
}

/** Only a name that no shell reads anything into is offered for copying into one. */
function baseFile({ baseName }: BestAdapter): string {
  return baseName !== null && /^[A-Za-z0-9][\w.+-]*$/.test(baseName) ? baseName : "base.gguf";
}

function whatItFits(best: BestAdapter, base: string): string {
  if (best.weights === null)
    return `It has no weights of its own: what was learned stands in the prompt of ${base}, sha256 ${best.baseSha256}.`;
  return isWholeModel(best)
    ? `It is a whole model in half precision, which needs no other file; it was trained from ${base}, sha256 ${best.baseSha256}.`
    : `It fits exactly one file of weights: ${base}, sha256 ${best.baseSha256}.`;
}

/** What the adapter is, and what it fits. */
export function bestItems({ best, basis }: RunReport): string[] {
  if (best === null) return [];
  const student = basis.prompts.find(({ stage }) => stage === "student");
  const base =
    best.baseName === null
      ? "the default weights (`redistill models pull` says where they are; base.gguf below)"
      : baseFile(best);
  return [
    `Adapter ${best.sha256}, of round ${best.round}.`,
    whatItFits(best, base),
    ...(best.remembers && best.weights !== null
      ? ["Its memory belongs to it: the figures are those of both together."]
      : []),
    ...(student
      ? [
          `It learned with the student prompt ${student.name} around each task: \`redistill sample\` puts it there, other programs must be told to.`,
        ]
      : []),
  ];
}
