import { type ChildProcess, fork } from "node:child_process";
import { EngineFault } from "../../core/errors.js";
import { withoutSecrets } from "../../core/secrets.js";
import type { Closing, FromHost, Passing, ToHost } from "./protocol.js";
import type { Patience, Silence } from "./silence.js";

/** The program that runs in the engine's process. */
export interface HostProgram {
  readonly script: string;
  /** Options of node itself. */
  readonly execArgv: readonly string[];
}

const tailLength = 4_000;

interface Pending {
  readonly answering: boolean;
  onPassing(message: Passing): void;
  resolve(message: Closing): void;
  reject(error: unknown): void;
}

/** One process with an engine in it, from its start to its end. */
export class EngineHost {
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private readonly watch: NodeJS.Timeout;
  private pending: Pending | null = null;
  private hung = false;
  private dying = false;
  private gone: string | null = null;
  private tail = "";

  constructor(
    program: HostProgram,
    private readonly patience: Patience,
    private readonly silence: Silence,
  ) {
    silence.started();
    this.child = fork(program.script, [], {
      execArgv: [...program.execArgv],
      env: withoutSecrets(process.env),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // In a group of its own, so that Ctrl-C in the terminal reaches us alone and we end it in order.
      detached: process.platform !== "win32",
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.tail = (this.tail + text).slice(-tailLength);
    });
    this.child.on("message", (message: FromHost) => this.hear(message));
    const killAtExit = () => this.kill();
    process.once("exit", killAtExit);
    this.watch = setInterval(() => {
      if (this.pending === null || !silence.tick()) return;
      this.hung = true;
      this.kill();
    }, patience.tickMs);
    this.watch.unref();
    this.ended = this.waitForEnd().then((how) => {
      process.removeListener("exit", killAtExit);
      clearInterval(this.watch);
      this.gone = how;
      this.pending?.reject(this.fault(this.pending.answering));
    });
  }

  get pid(): number | null {
    return this.child.pid ?? null;
  }

  /** Whether nothing more can be asked of it. */
  get isGone(): boolean {
    return this.gone !== null || this.dying;
  }

  /**
   * Sends one request and resolves with what closes it. Only one can be under way.
   *
   * @throws EngineFault when the process ends or hangs before that.
   */
  async exchange(
    message: ToHost,
    signal: AbortSignal,
    onPassing: (message: Passing) => void,
    drain?: AbortSignal,
  ): Promise<Closing> {
    const answering = message.kind !== "load";
    if (this.gone !== null) throw this.fault(answering);
    let late: NodeJS.Timeout | undefined;
    const stop = () => {
      if (!answering) return this.kill();
      this.send({ kind: "abort" });
      late = setTimeout(() => this.kill(), this.patience.stopMs);
    };
    const drained = () => this.send({ kind: "drain" });
    try {
      return await new Promise<Closing>((resolve, reject) => {
        this.silence.begin();
        this.pending = { answering, onPassing, resolve, reject };
        signal.addEventListener("abort", stop, { once: true });
        this.send(message);
        if (drain?.aborted) drained();
        else drain?.addEventListener("abort", drained, { once: true });
      });
    } finally {
      this.pending = null;
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
      drain?.removeEventListener("abort", drained);
    }
  }

  /** There is nothing to put in order in it: what it answered is with us already. */
  kill(): void {
    this.dying = true;
    this.child.kill("SIGKILL");
  }

  private send(message: ToHost): void {
    // One that just died takes no message; its end is reported by itself.
    if (this.child.connected) this.child.send(message, () => {});
  }

  private hear(message: FromHost): void {
    const { pending } = this;
    if (pending === null) return;
    // Only these tell of the steps of an answer; the rest is a sign of life. A vector is a whole text, no step.
    if (message.kind === "tokens" || message.kind === "result") this.silence.stepped();
    else this.silence.begin();
    switch (message.kind) {
      case "loading":
      case "tokens":
      case "result":
      case "vector":
        try {
          pending.onPassing(message);
        } catch (error) {
          // Whoever listens cannot go on, as on a full disk; the engine need not either.
          pending.reject(error);
          this.kill();
        }
        return;
      default:
        pending.resolve(message);
    }
  }

  private async waitForEnd(): Promise<string> {
    return new Promise((resolve) => {
      this.child.once("error", (error) => {
        if (this.child.pid === undefined) resolve(`could not be started: ${error.message}`);
      });
      // "close" comes after the last message and the last line of stderr.
      this.child.once("close", (code, signal) =>
        resolve(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`),
      );
    });
  }

  private fault(answering: boolean): EngineFault {
    const what = answering ? "while it answered" : "while it loaded the weights";
    if (this.hung) {
      return new EngineFault(
        "silent",
        answering,
        `the engine's process gave no sign of life ${what} and was ended`,
        "The machine may be overloaded or swapping: close other programs, then resume the run.",
      );
    }
    const lines = this.tail.trim().split("\n").slice(-20).join("\n  ");
    return new EngineFault(
      "crashed",
      answering,
      `the engine's process ${this.gone} ${what}${lines === "" ? "" : `; it said:\n  ${lines}`}`,
      "If the system ran out of memory, lower model.sequences or model.contextTokens in the recipe.",
    );
  }
}
