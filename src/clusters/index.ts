export { type Failure, tellingBy } from "./features.js";
export { distinctName, readName, shortened } from "./names.js";
export { firstSentence } from "./reason.js";
export { clusterRound } from "./round.js";
