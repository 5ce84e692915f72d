export { mean, median } from "./averages.js";
export { answerEntropy, distinctPairs, selfSimilarity } from "./diversity.js";
export { tango } from "./intervals.js";
export { alphaForLook } from "./looks.js";
export { exactMcNemar } from "./mcnemar.js";
export { comparePaired, countOutcomes, type FullComparison } from "./paired.js";
export { detectableDifference, tasksNeeded } from "./power.js";
