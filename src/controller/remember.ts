import { relative } from "node:path";
import { failpoint } from "../core/failpoint.js";
import type { Remember } from "../core/ports.js";
import type { Ledger } from "./ledger.js";

/** Writes a candidate's memory within the budget of disk; its path is relative to the workspace. */
export async function rememberWithin(
  { remember, workspace }: { readonly remember: Remember; readonly workspace: string },
  ledger: Ledger,
  content: string,
): Promise<string> {
  const path = await remember(content);
  // The file is in place, and no row knows of it.
  failpoint("memory:written");
  ledger.addFiles(Buffer.byteLength(content));
  return relative(workspace, path);
}
