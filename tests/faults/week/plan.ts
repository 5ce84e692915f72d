/** What is to go wrong inside one process of the simulated week. */
export interface Plan {
  /** Done when this process is about to give its n-th answer. */
  readonly atAnswer?: readonly { readonly answer: number; readonly what: Mishap }[];
  /** The trainer dies in the middle of the next training. */
  readonly trainerDies?: boolean;
  /** This process is killed after so many parts of the next training. */
  readonly killedInTraining?: number;
}

export type Mishap =
  | { readonly do: "kill" }
  | { readonly do: "engine-crashes" | "engine-falls-silent" }
  | { readonly do: "clock-set-wrong"; readonly milliseconds: number }
  | { readonly do: "machine-suspended"; readonly milliseconds: number };

/** A process of the week finds its plan here, as JSON. */
export const planVariable = "REDISTILL_WEEK_PLAN";
/** Where a process writes down what really happened, a kind a line, relative to its workspace. */
export const firedFile = "fired.txt";
/** The file that keeps the time of the simulated world; every process of it finds its path here. */
export const clockVariable = "REDISTILL_WEEK_CLOCK";
/** Monday evening of the week in which Central Europe puts its clocks back. */
export const weekBegins = Date.parse("2026-10-19T18:00:00Z");
