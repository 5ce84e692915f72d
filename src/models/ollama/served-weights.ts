import { access, constants } from "node:fs/promises";
import type { HashedFile } from "./create.js";
import type { ModelDescription } from "./server.js";

/** The file behind a model, as its modelfile names it: the path is one of the server's machine. */
export function weightsFileOf({ modelfile }: ModelDescription): HashedFile | null {
  const path = /^FROM\s+(.+)$/m
    .exec(modelfile ?? "")?.[1]
    ?.trim()
    .replace(/^"|"$/g, "");
  const sha256 = /sha256[-:]([0-9a-f]{64})$/.exec(path ?? "")?.[1];
  return path !== undefined && sha256 !== undefined ? { path, sha256 } : null;
}

/** The same, where this machine can read it; whoever uses it has to check its hash. */
export async function readableWeights(model: ModelDescription): Promise<HashedFile | null> {
  const file = weightsFileOf(model);
  if (file === null) return null;
  const readable = await access(file.path, constants.R_OK).then(
    () => true,
    () => false,
  );
  return readable ? file : null;
}

/** Whether the model is weights with an adapter on them already. */
export function hasAdapter({ modelfile }: ModelDescription): boolean {
  return /^ADAPTER\s/m.test(modelfile ?? "");
}
