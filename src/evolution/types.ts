import type { Role } from "../core/model.js";
import type { RoleModels } from "../core/ports.js";
import type { Prompt } from "../core/prompt.js";
import type { StageSummary } from "../core/round.js";
import type { StageInput, StagePorts } from "../stages/types.js";
import type { EvolutionRows } from "../store/evolutions.js";
import type { Search } from "./search.js";

/** Writes a winner's file, which is never one that is there with other content, and gives its path in the workspace. */
export type Publish = (name: string, body: string) => Promise<string>;

/** What a unit of work knows and may do. */
export interface StepInput {
  readonly runId: string;
  readonly search: Search;
  /** As a stage has it, with all attempts of the search. */
  readonly stage: StageInput;
  /** How the next prompt is asked for. */
  readonly reflect: Prompt;
  readonly models: RoleModels;
  ports(role: Role): StagePorts;
  readonly publish: Publish;
}

export interface StepOutput {
  readonly rows: EvolutionRows;
  readonly summary: StageSummary;
}
