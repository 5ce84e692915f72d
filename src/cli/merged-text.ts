import { formatBytes } from "../setup/files.js";
import type { Merged } from "./merged.js";

/** A row of the export's table for each file of weights that was merged. */
export function mergedRows({ files }: Merged): string[][] {
  return files
    .filter((file) => /\.(gguf|safetensors)$/.test(file.name))
    .map((file) => [`${file.name}, sha256`, file.sha256]);
}

/** What the command says about merged weights. */
export function mergedLines({ type, name, files }: Merged, folder: string): string[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const use =
    type === "safetensors" ? `vllm serve ${folder}/${name}` : `llama-cli -m ${folder}/${name}`;
  return [`Merged weights: ${name}, ${formatBytes(bytes)}. One way to run them: ${use}`];
}

/** The section of an export's README about merged weights: what they are, and how to load them. */
export function mergedSection(merged: Merged, whole: boolean): string {
  const { type, name, files } = merged;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const about = {
    f16: "in half precision",
    q8_0: "with 8 bits a weight",
    base: "quantised as the base is, which rounds away a part of what was trained",
    safetensors: whole ? "in float32, from half precision" : "in float32, as they were trained",
  }[type];
  const what = whole
    ? `is the trained model ${about}. Its answers are close to those of model.gguf, not always the same: the
figures above were measured with that file.`
    : `is base and adapter in one, ${about}. It needs neither of them. Its answers are
close to those of base and adapter, not the same: the figures above were measured with the adapter.`;
  return `## Merged weights

\`${name}\` (${formatBytes(bytes)}) ${what}
${type === "safetensors" ? folderUse(name) : fileUse(name)}`;
}

function fileUse(name: string): string {
  return `
llama.cpp:

    llama-cli -m ${name}
    llama-server -m ${name}

Ollama, with a file \`Modelfile\` that says \`FROM ./${name}\`:

    ollama create my-model -f Modelfile
    ollama run my-model
`;
}

function folderUse(name: string): string {
  return `
transformers:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained("${name}")
    tokenizer = AutoTokenizer.from_pretrained("${name}")

vLLM (half the memory in half precision):

    vllm serve ${name} --dtype bfloat16

Another quantisation, with llama.cpp's own tools:

    python convert_hf_to_gguf.py ${name} --outfile model.gguf
    llama-quantize model.gguf model-q4_k_m.gguf Q4_K_M
`;
}
