import { RedistillError } from "../core/errors.js";
import { randomFrom } from "../core/random.js";
import type { Arm, Settings, StudySpec } from "../core/study.js";
import { dOptimal } from "./d-optimal.js";

/** Most arms of one study: more would be a mistake in the spec, not a plan. */
const mostArms = 256;

interface Level {
  readonly name: string;
  readonly settings: Settings;
}

/**
 * The arms of a study in their order: combinations of levels, then the two controls. The same spec gives
 * the same arms.
 *
 * @throws RedistillError `usage` for too many combinations, or a fraction that cannot tell the factors apart.
 */
export function armsOf(spec: StudySpec): Arm[] {
  const factors = Object.entries(spec.factors).map(([name, levels]) => ({
    name,
    levels: levelsOf(name, levels),
  }));
  const size = factors.reduce((product, { levels }) => product * levels.length, 1);
  if (size > 65_536) throw tooMany(size);
  const all = combinations(factors.map(({ levels }) => levels.length));
  const chosen =
    spec.design.kind === "fraction"
      ? fraction(
          spec,
          factors.map((f) => f.levels.length),
          all,
        )
      : all;
  if (chosen.length > mostArms) throw tooMany(chosen.length);
  const treatments = chosen.map((places, index): Arm => {
    const levels = factors.map(({ name, levels: of }, at) => [name, of[places[at]!]!] as const);
    return {
      id: `a${index + 1}`,
      role: "treatment",
      levels: Object.fromEntries(levels.map(([name, level]) => [name, level.name])),
      settings: Object.assign({}, ...levels.map(([, level]) => level.settings)),
    };
  });
  return [...treatments, ...controls];
}

/** Every study has them: what a critique is worth is told against the same tokens spent otherwise. */
const controls: readonly Arm[] = [
  {
    id: "compute",
    role: "equal-compute",
    levels: {},
    settings: { critique: null, refine: null },
  },
  { id: "base", role: "untrained", levels: {}, settings: {} },
];

/** An arm's name for people: its levels, or what it controls for. */
export function armName({ role, levels }: Arm): string {
  if (role === "equal-compute") return "no critique, equal compute";
  if (role === "untrained") return "no training";
  return Object.values(levels).join(", ");
}

function levelsOf(factor: string, levels: StudySpec["factors"][string]): Level[] {
  const named = Array.isArray(levels)
    ? levels.map((value) => ({ name: valueName(value), settings: { [factor]: value } }))
    : Object.entries(levels).map(([name, settings]) => ({ name, settings }));
  const twice = named.find(({ name }, at) => named.findIndex((each) => each.name === name) < at);
  if (twice === undefined) return named;
  throw new RedistillError(
    "usage",
    `factors.${factor}: the level ${twice.name} is there twice`,
    "Remove one of the two.",
  );
}

function valueName(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** All tuples of level numbers, the last factor changing fastest. */
function combinations(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (tuples, size) =>
      tuples.flatMap((tuple) => Array.from({ length: size }, (_, level) => [...tuple, level])),
    [[]],
  );
}

function fraction(
  spec: StudySpec,
  sizes: readonly number[],
  all: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const count = spec.design.kind === "fraction" ? spec.design.arms : all.length;
  const needed = 1 + sizes.reduce((sum, size) => sum + size - 1, 0);
  if (count >= all.length) {
    throw new RedistillError(
      "usage",
      `design.arms: ${count} of ${all.length} combinations is no fraction`,
      "Take fewer, or design: {kind: full}.",
    );
  }
  if (count < needed) {
    throw new RedistillError(
      "usage",
      `design.arms: ${count} arms cannot tell ${sizes.length} factors apart; ${needed} can`,
      `Set design.arms to ${needed} or more.`,
    );
  }
  return dOptimal(all, sizes, count, randomFrom(spec.taskSeed));
}

function tooMany(count: number): RedistillError {
  return new RedistillError(
    "usage",
    `${count} arms; at most ${mostArms} can be run`,
    "Take fewer levels, or design: {kind: fraction, arms: 16}.",
  );
}
