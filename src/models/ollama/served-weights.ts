import { access, constants } from "node:fs/promises";
import type { HashedFile } from "./create.js";
import { errand } from "./errand.js";
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

/**
 * The file behind a model of a server, where this machine can read it; whoever uses it has to check
 * its hash.
 *
 * @throws RedistillError `model` for a server that is absent or a wrong name.
 */
export function servedWeights(
  { url, name }: { readonly url: string; readonly name: string },
  signal: AbortSignal,
): Promise<HashedFile | null> {
  return errand(url, `does not describe ${name}`, signal, async (server) => {
    await server.digestOf(name, signal);
    const file = weightsFileOf(await server.describe(name, signal));
    if (file === null) return null;
    const readable = await access(file.path, constants.R_OK).then(
      () => true,
      () => false,
    );
    return readable ? file : null;
  });
}

/** Whether the model is weights with an adapter on them already. */
export function hasAdapter({ modelfile }: ModelDescription): boolean {
  return /^ADAPTER\s/m.test(modelfile ?? "");
}
