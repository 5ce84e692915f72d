import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { messageOf, RedistillError } from "../core/errors.js";
import { registerSecret, type SecretSource, shortestSecret } from "../core/secrets.js";

const largest = 65_536;

/**
 * The secret that a source names, registered for redaction. Errors never hold its value.
 *
 * @param what How to call it in errors, for example "notify.0.token".
 * @param onNote Told where a file's permissions cannot be looked at (Windows).
 * @throws RedistillError `usage` when it is absent, too short, of several lines, or in a file that
 * others than its owner may read.
 */
export function readSecret(
  source: SecretSource,
  what: string,
  onNote: (text: string) => void,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const value = (
    "env" in source ? (environment[source.env] ?? "") : read(source.file, what, onNote)
  ).trim();
  const place = "env" in source ? `the variable ${source.env}` : source.file;
  if (value === "") {
    throw unusable(
      `${what}: ${place} ${"env" in source ? "is not set" : "is empty"}`,
      "Set it in the environment of this command, or write the secret to the file.",
    );
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw unusable(
      `${what}: ${place} holds spaces, line breaks or characters beyond ASCII`,
      "Keep the secret there alone, on one line.",
    );
  }
  if (value.length < shortestSecret) {
    throw unusable(
      `${what}: ${place} holds fewer than ${shortestSecret} characters`,
      "Use a longer secret: so short a one is guessed, and cannot be kept out of logs.",
    );
  }
  registerSecret(value);
  return value;
}

function read(path: string, what: string, onNote: (text: string) => void): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw unusable(
      `${what}: cannot read the secret's file: ${messageOf(cause)}`,
      "Check the path; one in a recipe is relative to the recipe's own folder.",
      cause,
    );
  }
  try {
    // Looked at after it was opened: nobody can put another file in its place meanwhile.
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.size > largest) {
      throw unusable(
        `${what}: ${path} is not a small file`,
        "Name the file that holds the secret.",
      );
    }
    if (process.platform === "win32") {
      onNote(`${what}: on Windows nobody checked who may read ${path}.`);
    } else if ((stats.mode & 0o077) !== 0) {
      throw unusable(
        `${what}: others than its owner may read ${path} (mode ${(stats.mode & 0o777).toString(8)})`,
        `Take that away, then run the command again: chmod 600 ${path}`,
      );
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function unusable(message: string, hint: string, cause?: unknown): RedistillError {
  return new RedistillError("usage", message, hint, { cause });
}
