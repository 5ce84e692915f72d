import { canonicalJson } from "../core/hash.js";
import type { Recipe } from "../core/recipe.js";
import { type Machine, openMachine } from "./machine.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";

/** One engine and one trainer for run after run: they are opened again only where the next run wants others. */
export class StudyMachine {
  private open: { key: string; machine: Machine } | null = null;

  constructor(
    private readonly workspace: Workspace,
    private readonly output: Output,
    private readonly signal: AbortSignal,
  ) {}

  /** For one run, which may close it without taking it from the next. */
  async for(recipe: Recipe): Promise<Machine> {
    const { model, roles, trainer, retrain, longTerm } = recipe;
    const runner = retrain.method === "memory" ? null : retrain.trainer;
    const vectors = longTerm?.retrieval === "embedding" ? { by: longTerm.embedder } : null;
    const key = canonicalJson({ model, roles, trainer, runner, vectors });
    if (this.open?.key !== key) {
      await this.close();
      const machine = await openMachine(this.workspace, recipe, this.output, this.signal);
      this.open = { key, machine };
    }
    const { machine } = this.open;
    return Object.create(machine, { close: { value: async () => {} } });
  }

  async close(): Promise<void> {
    const open = this.open;
    this.open = null;
    await open?.machine.close();
  }
}
