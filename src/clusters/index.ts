export { tellingBy } from "../core/bags.js";
export type { Failure } from "./features.js";
export { distinctName, readName, shortened } from "./names.js";
export { clusterRound } from "./round.js";
export { stepsOf } from "./steps.js";
