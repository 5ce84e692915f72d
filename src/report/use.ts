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
  return [
    {
      title: "Ask base and adapter side by side",
      lines: [`redistill sample${prompt} --run ${run}`],
    },
    { title: "Copy it out, with its training set", lines: [`redistill export ${run}`] },
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
    `It fits exactly one file of weights: ${base}, sha256 ${best.baseSha256}.`,
    ...(student
      ? [
          `It learned with the student prompt ${student.name} around each task: \`redistill sample\` puts it there, other programs must be told to.`,
        ]
      : []),
  ];
}
