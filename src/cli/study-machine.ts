import { canonicalJson } from "../core/hash.js";
import type { Train } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { jobHash } from "../training/train.js";
import { type Machine, openMachine } from "./machine.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";
import { Turns } from "./turns.js";

/** Runs with the same text can share a machine. */
export function machineKey({ model, roles, trainer, retrain, longTerm }: Recipe): string {
  const runner = retrain.method === "memory" ? null : retrain.trainer;
  const vectors = longTerm?.retrieval === "embedding" ? { by: longTerm.embedder } : null;
  return canonicalJson({ model, roles, trainer, runner, vectors });
}

/**
 * One engine and one trainer for all runs, one after the other or side by side: they are opened again only where
 * the next run wants others.
 */
export class StudyMachine {
  private open: { readonly key: string; readonly machine: Promise<Machine> } | null = null;
  private readonly turns = new Turns();
  /** Whose lease names the trainer's process: whoever trains, or trained last. */
  private trainsFor: Machine | null = null;

  constructor(
    private readonly workspace: Workspace,
    private readonly output: Output,
    private readonly signal: AbortSignal,
  ) {}

  /** For one run, which may close it without taking it from others. Runs at the same time must want the same one. */
  async for(recipe: Recipe): Promise<Machine> {
    const key = machineKey(recipe);
    if (this.open?.key !== key) this.open = { key, machine: this.replaced(recipe) };
    const opened = this.open;
    let machine: Machine;
    try {
      machine = await opened.machine;
    } catch (error) {
      if (this.open === opened) this.open = null;
      throw error;
    }
    return this.viewOf(machine, recipe);
  }

  async close(): Promise<void> {
    const open = this.open;
    this.open = null;
    await open?.machine.then(
      (machine) => machine.close(),
      () => {},
    );
  }

  private async replaced(recipe: Recipe): Promise<Machine> {
    await this.close();
    return openMachine(this.workspace, recipe, this.output, this.signal);
  }

  private viewOf(machine: Machine, { trainer }: Recipe): Machine {
    const { turns } = this;
    const train: Train = (job, options) => {
      // A cluster trains several at once, but never one and the same job twice: it has one folder.
      const turn = trainer.executor === "local" ? "local" : jobHash(job, machine.modelSha256);
      return turns.take(turn, options.signal, () => {
        this.trainsFor = view;
        return machine.train(job, options);
      });
    };
    const isOurs = () => this.trainsFor === view;
    const view: Machine = Object.create(machine, {
      train: { value: train },
      // The process that a lease names is killed by whoever takes that lease over.
      workerPid: { get: () => (isOurs() ? machine.workerPid : null) },
      close: {
        value: async () => {
          if (isOurs()) this.trainsFor = null;
        },
      },
    });
    this.trainsFor ??= view;
    return view;
  }
}
