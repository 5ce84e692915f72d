import { closeSync, openSync } from "node:fs";
import { isatty } from "node:tty";

/** Whoever read our output has gone: after `| head`, or with the terminal. */
const readerGone = ["EPIPE", "EIO", "ECONNRESET"];
/** The disk that a redirected output lies on is full: lines are lost, work is not. */
const noRoom = ["ENOSPC", "EDQUOT"];

/**
 * Keeps lost output from ending the process in the middle of something: when nobody reads the
 * results any more, a run drains and commits, other commands just end.
 */
export function outliveReaders(stop: () => void): void {
  const lost = (gone: () => void) => (error: NodeJS.ErrnoException) => {
    const code = error.code ?? "";
    if (readerGone.includes(code)) gone();
    else if (!noRoom.includes(code)) throw error;
  };
  const nothing = () => {};
  process.stdout.on("error", lost(stop));
  process.stderr.on("error", lost(nothing));
  const terminals = [0, 1, 2].filter((file) => isatty(file));
  process.on("exit", () => {
    for (const file of terminals) if (!isatty(file)) letGo(file);
  });
}

/** Node gives a terminal its settings back when it ends, and aborts where the terminal has gone. */
function letGo(file: number): void {
  closeSync(file);
  // Takes the lowest free number, which is the one just closed.
  openSync("/dev/null", "r+");
}
