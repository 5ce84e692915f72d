import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Where questions come from: a terminal or a pipe. */
export type ChatInput = Readable & { readonly isTTY?: boolean };

/** Questions, one a line; an empty line, the end of the input, Ctrl-C or the signal ends them. */
export async function* readQuestions(
  input: ChatInput,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const terminal = input.isTTY === true;
  const lines = createInterface({ input, ...(terminal ? { output: process.stdout } : {}) });
  const stop = () => lines.close();
  // On a terminal readline takes Ctrl-C for itself.
  lines.on("SIGINT", stop);
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (terminal) lines.setPrompt("> ");
    if (terminal) lines.prompt();
    for await (const line of lines) {
      if (line.trim() === "") return;
      yield line.trim();
      if (terminal) lines.prompt();
    }
  } finally {
    signal.removeEventListener("abort", stop);
    lines.close();
  }
}
