import type { LlamaModel } from "node-llama-cpp";
import { messageOf, RedistillError } from "../../core/errors.js";
import { ChatTemplate } from "../embedded/template.js";

/** Tokenizer and chat template of a GGUF file, read without its weights. */
export interface Vocabulary {
  /** Length in tokens, special ones read as such, without what a server puts before a prompt. */
  count(text: string): number;
  /** The file's own chat template; null where it has none. */
  readonly template: ChatTemplate | null;
  dispose(): Promise<void>;
}

/** @throws RedistillError `model` where llama.cpp cannot read the file. */
export async function openVocabulary(path: string): Promise<Vocabulary> {
  // Loaded by the commands alone that need it: it takes as long as all the rest.
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({ logLevel: LlamaLogLevel.error, build: "never", gpu: false });
  let model: LlamaModel;
  try {
    model = await llama.loadModel({ modelPath: path, vocabOnly: true });
  } catch (cause) {
    await llama.dispose();
    throw new RedistillError(
      "model",
      `the vocabulary of ${path} cannot be read: ${messageOf(cause)}`,
      "Name the GGUF file of the model that the server runs in `weights`, or leave `weights` out.",
      { cause },
    );
  }
  const text = model.fileInfo.metadata.tokenizer.chat_template;
  const { bosString, eosString } = model.tokens;
  return {
    count: (each) => model.tokenize(each, true).length,
    template: text ? new ChatTemplate({ text, bos: bosString ?? "", eos: eosString ?? "" }) : null,
    dispose: () => llama.dispose(),
  };
}

/** A bound from above where no tokenizer is known: none that reads bytes has more tokens than bytes. */
export function mostTokens(text: string): number {
  return Buffer.byteLength(text, "utf8") + 1;
}
