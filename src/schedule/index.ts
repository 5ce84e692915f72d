export { Hours, OutsideHours } from "./hours.js";
export { sayWhen } from "./wall-clock.js";
