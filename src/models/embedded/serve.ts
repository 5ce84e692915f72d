import { Worker } from "node:worker_threads";
import type { CallRequest } from "../../core/entities.js";
import type { SampleOptions } from "../../core/ports.js";
import type { EngineOptions } from "./engine.js";
import {
  type EngineIdentity,
  type FromHost,
  packError,
  type ToHost,
  unpackRequests,
} from "./protocol.js";

/** What the engine's process needs of an engine. */
export interface HostedEngine extends EngineIdentity {
  sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void>;
  tokenize(text: string): { readonly length: number };
  embed(
    texts: readonly string[],
    how: { readonly signal: AbortSignal; onVector(index: number, vector: Float32Array): void },
  ): Promise<void>;
}

/** How often the parent hears of sampled tokens, in milliseconds; answers are sent at once. */
const tellEvery = 200;

/**
 * Makes this process an engine's: loads the one that the first message asks for, and answers until
 * the parent is gone. There is nothing to put in order at the end, so that a kill is a proper one.
 */
export function serveEngine(
  load: (options: EngineOptions, onProgress: () => void) => Promise<HostedEngine>,
): void {
  endWithParent();
  let engine: Promise<HostedEngine> | null = null;
  let abort = new AbortController();
  let drain = new AbortController();
  const close = (work: Promise<FromHost>) => {
    const { signal } = abort;
    void work
      .catch(
        (error): FromHost =>
          signal.aborted ? { kind: "stopped" } : { kind: "failed", error: packError(error) },
      )
      .then(tell);
  };
  process.on("message", (message: ToHost) => {
    if (message.kind === "abort") {
      abort.abort();
      return;
    }
    if (message.kind === "drain") {
      drain.abort();
      return;
    }
    abort = new AbortController();
    drain = new AbortController();
    if (message.kind === "load") {
      engine = load(message.options, () => tell({ kind: "loading" }));
      close(engine.then(identify));
    } else {
      close((engine ?? Promise.reject(new Error("not loaded"))).then((e) => work(e, message)));
    }
  });

  const work = async (
    engine: HostedEngine,
    message: Exclude<ToHost, { kind: "load" } | { kind: "drain" } | { kind: "abort" }>,
  ): Promise<FromHost> => {
    if (message.kind === "count") {
      return { kind: "counts", counts: message.texts.map((text) => engine.tokenize(text).length) };
    }
    if (message.kind === "embed") {
      await engine.embed(message.texts, {
        signal: abort.signal,
        onVector: (index, vector) => tell({ kind: "vector", index, vector: [...vector] }),
      });
      return { kind: "done" };
    }
    const tokens = new TokenTeller();
    await engine.sample(unpackRequests(message.packed), {
      adapter: message.adapter,
      signal: abort.signal,
      drain: drain.signal,
      ...(message.width === null ? {} : { width: message.width }),
      onTokens: (count) => tokens.add(count),
      onResult: (index, generation) => tell({ kind: "result", index, generation }),
    });
    tokens.flush();
    return { kind: "done" };
  };
}

function identify({ digest, description, chatTemplate }: HostedEngine): FromHost {
  return { kind: "ready", identity: { digest, description, chatTemplate } };
}

/** Collects token counts, so that a fast engine does not send a message for every step. */
class TokenTeller {
  private count = 0;
  private toldAt = performance.now();

  add(count: number): void {
    this.count += count;
    if (performance.now() - this.toldAt >= tellEvery) this.flush();
  }

  flush(): void {
    tell({ kind: "tokens", count: this.count });
    this.count = 0;
    this.toldAt = performance.now();
  }
}

function tell(message: FromHost): void {
  // A parent that has gone takes no message; this process is about to follow it.
  process.send?.(message, undefined, undefined, () => {});
}

/**
 * Ends this process when its parent is gone, however that ended. A native call that never returns
 * also stops the event loop, and with it the message that the channel is closed: a thread of its
 * own looks at who the parent is.
 */
function endWithParent(): void {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  const look = `
    const parent = require("node:worker_threads").workerData;
    setInterval(() => process.ppid === parent || process.kill(process.pid, "SIGKILL"), 500);`;
  new Worker(look, { eval: true, workerData: process.ppid, execArgv: [] });
}
