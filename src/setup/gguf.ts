import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { cacheDirectory } from "./cache-directory.js";
import { digestOf } from "./digest.js";
import { codeOf, formatBytes } from "./files.js";
import { GgufFormatError, type GgufHeader, readGgufHeader } from "./gguf-header.js";
import { fileTypes, tensorBlocks } from "./gguf-types.js";

export interface ModelFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly architecture: string;
  readonly name: string;
  /** "Q4_1", or "unknown". */
  readonly quantization: string;
  /** How many numbers the tensors hold. */
  readonly parameters: number;
}

/**
 * Looks at a model file before anything loads it: is it a whole GGUF chat model, and which one.
 *
 * @example
 * const model = await inspectModel("model.gguf"); // model.architecture === "llama"
 */
export async function inspectModel(
  path: string,
  options: { cache?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ModelFile> {
  const header = await readHeader(path);
  refuseOther(path, header);
  refuseTruncated(path, header);
  const cache = options.cache ?? cacheDirectory();
  const digest = await digestOf(path, cache, options.signal);
  const fileType = header.metadata.get("general.file_type");
  return {
    path,
    ...digest,
    architecture: textOf(header, "general.architecture")!,
    name: textOf(header, "general.name") ?? basename(path, ".gguf"),
    quantization: (typeof fileType === "number" && fileTypes[fileType]) || "unknown",
    parameters: header.tensors.reduce((sum, { elements }) => sum + elements, 0),
  };
}

async function readHeader(path: string): Promise<GgufHeader> {
  try {
    if ((await stat(path)).isDirectory()) throw new GgufFormatError("it is a folder");
    return await readGgufHeader(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw modelError(`There is no model file at ${path}.`, "Check the path.", error);
    }
    if (error instanceof GgufFormatError) {
      throw modelError(
        `${path} is not a GGUF model that can be read: ${error.message}.`,
        "Name a .gguf file of llama.cpp's format; if it was downloaded, download it again.",
        error,
      );
    }
    const hint = "Check the file and its permissions.";
    throw modelError(`Cannot read ${path}: ${messageOf(error)}.`, hint, error);
  }
}

function refuseOther(path: string, header: GgufHeader): void {
  const architecture = textOf(header, "general.architecture");
  const type = textOf(header, "general.type") ?? "model";
  const parts = header.metadata.get("split.count");
  const refuse = (what: string, hint: string) => modelError(`${path} is ${what}.`, hint);
  if (type === "adapter") {
    throw refuse("a LoRA adapter, not a model", "Name the base model's file.");
  }
  if (type === "mmproj" || architecture === "clip") {
    throw refuse("a vision projector (mmproj), not a model", "Name the language model's file.");
  }
  if (type !== "model") {
    throw refuse(`a GGUF of type "${type}", not a model`, "Name a model's file.");
  }
  if (architecture === undefined) {
    throw refuse("without general.architecture, so not a model", "Name a model's file.");
  }
  if (header.tensors.length === 0) {
    throw refuse("a vocabulary without weights", "Name the whole model's file.");
  }
  if (typeof parts === "number" && parts > 1) {
    throw refuse(
      `one part of a model in ${parts} files`,
      "Merge the parts first: llama-gguf-split --merge <first part> <output>.",
    );
  }
  const template = textOf(header, "tokenizer.chat_template");
  if (template === undefined || template.trim() === "") {
    throw refuse(
      "a model without chat template",
      'Use an instruction-tuned ("instruct", "chat") build of the model, or a GGUF with tokenizer.chat_template.',
    );
  }
}

function refuseTruncated(path: string, header: GgufHeader): void {
  let end = header.dataStart;
  for (const { type, elements, offset } of header.tensors) {
    // Of a type too new for the table only the beginning is known.
    const [perBlock, bytes] = tensorBlocks[type] ?? [1, 0];
    end = Math.max(end, header.dataStart + offset + Math.ceil(elements / perBlock) * bytes);
  }
  if (end <= header.fileBytes) return;
  throw modelError(
    `${path} is cut off: it has ${formatBytes(header.fileBytes)}, its header promises ${formatBytes(end)}.`,
    "The download did not finish: download the file again.",
  );
}

function textOf(header: GgufHeader, key: string): string | undefined {
  const value = header.metadata.get(key);
  return typeof value === "string" ? value : undefined;
}

function modelError(message: string, hint: string, cause?: unknown): RedistillError {
  return new RedistillError("model", message, hint, { cause });
}
