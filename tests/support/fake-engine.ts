// A stand-in for the embedded engine in a process of its own: real crashes and hangs, no weights.
// Its "model" is a file of faults; see FaultPlan.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallRequest } from "../../src/core/entities.js";
import type { SampleOptions } from "../../src/core/ports.js";
import type { EngineOptions } from "../../src/models/embedded/engine.js";
import { type HostedEngine, serveEngine } from "../../src/models/embedded/serve.js";
import { ChatTemplate } from "../../src/models/embedded/template.js";
import { vectorByWords } from "./embedder.js";
import type { FaultPlan } from "./engine-process.js";
import { learner } from "./learner.js";

const chatTemplate = {
  text: "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}",
  bos: "",
  eos: "",
};
const template = new ChatTemplate(chatTemplate);
const tokenize = (text: string) => text.split(/\s+/).filter(Boolean);

function misbehave(how: FaultPlan["faults"][number]["how"]): Promise<never> {
  // As where a service manager ends all of a service that ran out of memory.
  if (how === "crash with parent") process.kill(process.ppid, "SIGKILL");
  if (how.startsWith("crash")) {
    process.stderr.write("told to crash\n");
    process.kill(process.pid, "SIGSEGV");
  }
  // A native call that never returns and holds the event loop.
  if (how === "spin") for (;;);
  return new Promise(() => {});
}

class FakeEngine implements HostedEngine {
  readonly digest = "f".repeat(64);
  readonly description = "fake engine";
  readonly chatTemplate = chatTemplate;
  readonly tokenize = tokenize;

  constructor(
    private readonly path: string,
    private readonly plan: FaultPlan,
    private readonly sequences: number,
  ) {}

  async embed(texts: readonly string[], how: Parameters<HostedEngine["embed"]>[1]): Promise<void> {
    for (const [index, text] of texts.entries()) {
      how.signal.throwIfAborted();
      await this.maybeMisbehave(text);
      how.onVector(index, vectorByWords(text));
    }
  }

  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    const { width = this.sequences, adapter, signal, drain } = options;
    if (width > (this.plan.widest ?? width)) await misbehave("crash");
    const waiting = [...requests.keys()];
    let active: { index: number; steps: number }[] = [];
    while ((waiting.length > 0 && !drain?.aborted) || active.length > 0) {
      while (active.length < width && waiting.length > 0 && !drain?.aborted) {
        const index = waiting.shift() as number;
        appendFileSync(`${this.path}.ledger`, `${JSON.stringify(requests[index])}\n`);
        active.push({ index, steps: 0 });
        options.onTokens?.(0);
      }
      await sleep(2);
      signal.throwIfAborted();
      for (const answer of active) {
        answer.steps++;
        if (answer.steps === 1) await this.maybeMisbehave(lastOf(requests[answer.index]!));
      }
      options.onTokens?.(active.length);
      active = active.filter(({ index, steps }) => {
        const request = requests[index] as CallRequest;
        if (steps < 2 + (request.sampling.seed % 3)) return true;
        const text = learner(request, adapter?.sha256 ?? null);
        const promptTokens = tokenize(template.render(request.messages)).length;
        options.onResult(index, {
          ...{ text, stopReason: "end", promptTokens, evaluatedPromptTokens: promptTokens },
          ...{ completionTokens: Math.max(1, tokenize(text).length), durationMs: 1 },
        });
        return false;
      });
    }
  }

  private async maybeMisbehave(text: string): Promise<void> {
    for (const [number, fault] of this.plan.faults.entries()) {
      if (!text.includes(fault.match)) continue;
      const counter = `${this.path}.${number}`;
      const before = existsSync(counter) ? Number(readFileSync(counter, "utf8")) : 0;
      if (before >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
      writeFileSync(counter, String(before + 1));
      await misbehave(fault.how);
    }
  }
}

const lastOf = ({ messages }: CallRequest) => messages.at(-1)?.content ?? "";

async function load(options: EngineOptions, onProgress: () => void): Promise<HostedEngine> {
  const plan = JSON.parse(readFileSync(options.modelPath, "utf8")) as FaultPlan;
  appendFileSync(`${options.modelPath}.pids`, `${process.pid}\n`);
  if (plan.start === "crash" || plan.start === "hang") await misbehave(plan.start);
  for (let part = 0; part < (plan.loadParts ?? 0); part++) {
    await sleep(100);
    onProgress();
  }
  return new FakeEngine(options.modelPath, plan, options.sequences);
}

serveEngine(load);
