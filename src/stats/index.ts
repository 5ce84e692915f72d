export { type Interval, tango, wilson } from "./intervals.js";
export { alphaForLook } from "./looks.js";
export { exactMcNemar, type McNemar } from "./mcnemar.js";
export {
  comparePaired,
  countOutcomes,
  type FullComparison,
  type GradableComparison,
} from "./paired.js";
