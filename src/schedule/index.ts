export { Hours, OutsideHours } from "./hours.js";
export { systemClock } from "./system-clock.js";
export { sayWhen } from "./wall-clock.js";
