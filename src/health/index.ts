import type { MonitorName, Reading } from "../core/health.js";
import { distinct, length, selfSimilarityMonitor, ungradable } from "./answers.js";
import { entropy, gap, judge, truncated } from "./attempts.js";
import { calibration } from "./calibration.js";
import type { HealthInput, Monitor } from "./monitor.js";
import { retention } from "./retention.js";
import { duplicates, fresh } from "./training-set.js";

export type { HealthInput } from "./monitor.js";

const monitors: Readonly<Record<MonitorName, Monitor>> = {
  distinct,
  selfSimilarity: selfSimilarityMonitor,
  length,
  entropy,
  truncated,
  ungradable,
  judge,
  calibration,
  fresh,
  duplicates,
  retention,
  gap,
};

/**
 * What every monitor sees in a decided round, from its rows alone: the same rows give the same
 * readings. A monitor that is off or has nothing to read gives none.
 */
export function readHealth(input: HealthInput): Reading[] {
  return Object.values(monitors).flatMap((monitor): Reading[] => {
    const { threshold, action } = input.recipe.health[monitor.name];
    if (action === "off") return [];
    const measure = monitor.measure(input);
    if (measure === null) return [];
    const { value, baseline } = measure;
    const fired = baseline !== null && !within(value, monitor.healthy(baseline, threshold));
    return [{ round: input.round, monitor: monitor.name, ...measure, threshold, fired, action }];
  });
}

function within(value: number, [low, high]: readonly [number, number]): boolean {
  // Shares are quotients: what is equal on paper may differ in the last bit.
  return value >= low - 1e-9 && value <= high + 1e-9;
}
