import { z } from "zod";

/** Where a secret comes from: a variable of the environment or a file. Recipes never hold one. */
export const secretSourceSchema = z.union(
  [
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, "the name of a variable"),
    }),
    z.strictObject({ file: z.string().min(1).max(4096) }),
  ],
  {
    error: "a secret is never in a recipe: name its place, { env: NAME } or { file: path }",
  },
);

export type SecretSource = z.infer<typeof secretSourceSchema>;

/** Shorter ones would be found in texts that have nothing to do with them. */
export const shortestSecret = 8;

const mask = "[secret]";

// For the whole process: an error that quotes a secret can surface anywhere.
const hidden = new Set<string>();

/** From now on `redact` takes this value out of every text, in the forms that it travels in. */
export function registerSecret(value: string): void {
  if (value.length < shortestSecret) return;
  hidden.add(value);
  hidden.add(encodeURIComponent(value));
  hidden.add(JSON.stringify(value).slice(1, -1));
  hidden.add(Buffer.from(value).toString("base64").replace(/=+$/, ""));
}

/**
 * A text without registered secrets and without the credentials of URLs; for everything that is
 * shown, logged or kept.
 *
 * @example
 * redact("http://me:word@example.org/x") // "http://[secret]@example.org/x"
 */
export function redact(text: string): string {
  let clean = text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]+@/gi, `$1${mask}@`);
  // Longest first: one secret may hold another.
  for (const value of [...hidden].sort((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(value, mask);
  }
  return clean;
}

/** An environment for a child process: without the variables that hold a registered secret. */
export function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([, value]) => ![...hidden].some((secret) => value?.includes(secret)),
    ),
  );
}
