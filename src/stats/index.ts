export { mean, median } from "./averages.js";
export { type BootstrapOptions, bootstrapByTask } from "./bootstrap.js";
export { confidenceSequence } from "./confidence-sequence.js";
export { type Counted, type DetectionFigures, detectionFigures } from "./detection.js";
export { type PairedDifferences, pairDifferences, type Score } from "./differences.js";
export { answerEntropy, distinctPairs, selfSimilarity } from "./diversity.js";
export { discordantOdds, pairedCohensD, pairedDominance } from "./effects.js";
export { type Equivalence, equivalence } from "./equivalence.js";
export { holm } from "./holm.js";
export { type Interval, tango } from "./intervals.js";
export {
  type JudgedPair,
  type JudgeFigures,
  judgeFigures,
  judgeFiguresOf,
  type Share,
} from "./judging.js";
export { type LookOutcome, levelOfLook } from "./levels.js";
export { alphaForLook } from "./looks.js";
export { exactMcNemar, type McNemar } from "./mcnemar.js";
export { detectableGain, mcnemarPower, type PairedPlan } from "./mcnemar-power.js";
export {
  type Estimate,
  type MixedDifference,
  mixedDifference,
  type TestedEstimate,
  type VarianceComponents,
} from "./mixed.js";
export { commonAnswers, comparePaired, countOutcomes, type FullComparison } from "./paired.js";
export { detectableDifference, tasksNeeded } from "./power.js";
export { exactInterval, shareDifference, wilsonInterval } from "./proportion.js";
export {
  bet,
  type LookPlan,
  noEvidence,
  outcomeOf,
  type SequentialLook,
  type SequentialOutcome,
  sequentialLook,
  type Wealth,
} from "./sequential.js";
export {
  detectableStudyDifference,
  type Expectation,
  expectedComponents,
  type StudyPlan,
  studyPower,
} from "./study-power.js";
