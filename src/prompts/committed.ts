import { execFileSync } from "node:child_process";
import { basename, dirname } from "node:path";
import { withoutSecrets } from "../core/secrets.js";

/** A file as it was last committed; null where there is no git, no repository, or no such file in it. */
export function committedText(path: string): string | null {
  try {
    return execFileSync("git", ["-C", dirname(path), "show", `HEAD:./${basename(path)}`], {
      encoding: "utf8",
      env: withoutSecrets(process.env),
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    });
  } catch {
    return null;
  }
}
