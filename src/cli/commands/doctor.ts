import { RedistillError } from "../../core/errors.js";
import { type Check, runChecks } from "../checks.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { recipeChecks } from "../recipe-checks.js";
import { tableLines } from "../table.js";

/** `redistill doctor [recipe]`: what a run needs, what of it is there, and how to get the rest. */
export async function doctorCommand(
  recipe: string | undefined,
  {
    workspace,
    output,
    signal,
  }: {
    workspace: Workspace;
    output: Output;
    signal: AbortSignal;
  },
): Promise<void> {
  const own = recipe ? await recipeChecks(recipe, workspace, output, signal) : [];
  const checks = [...(await runChecks(workspace, signal)), ...own];
  const failed = checks.filter(({ state }) => state === "missing");
  output.result({ kind: "doctor", ok: failed.length === 0, checks });
  const lines = tableLines(checks.map(({ state, what, found }) => [mark(state), what, found]));
  for (const [index, { hint }] of checks.entries()) {
    output.line(lines[index]!);
    if (hint !== null) output.line(`         ${hint}`);
  }
  if (failed.length > 0) {
    throw new RedistillError(
      "setup",
      `${failed.map(({ what }) => what).join(", ")}: a run needs ${failed.length === 1 ? "it" : "them"}`,
      "The lines above say how to get what is missing.",
    );
  }
  output.line("\nAll that a run needs is here.");
}

function mark(state: Check["state"]): string {
  return { ok: "ok", later: "later", missing: "MISSING" }[state];
}
