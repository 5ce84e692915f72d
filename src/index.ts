export type { Observe, Progress } from "./controller/progress.js";
export { frozenTasks, workOn } from "./controller/run.js";
export { tick } from "./controller/tick.js";
export type { RunContext } from "./controller/unit.js";
export { systemClock } from "./core/clock.js";
export * from "./core/entities.js";
export { EngineFault, exitCodes, PausedError, RedistillError } from "./core/errors.js";
export type {
  ChatModel,
  Complete,
  Train,
  TrainingJob,
  TrainingResult,
  Verify,
} from "./core/ports.js";
export { type Recipe, recipeSchema } from "./core/recipe.js";
export { EmbeddedChatModel } from "./models/embedded/chat-model.js";
export { loadRecipe } from "./recipes/load.js";
export { Hours } from "./schedule/index.js";
export { stages } from "./stages/index.js";
export * as stats from "./stats/index.js";
export { comparePaired } from "./stats/index.js";
export { Store } from "./store/store.js";
export { createVerify } from "./verifiers/index.js";
