import type { Examined, Mended } from "../core/examination.js";

/** So many of so many. */
export interface Counted {
  readonly count: number;
  readonly of: number;
}

/** A critic as a detector of wrong answers, and what revisions after it do. */
export interface DetectionFigures {
  readonly examined: number;
  /** Of the answers that it called wrong, those that are. */
  readonly precision: Counted;
  /** Of the answers that are wrong, those that it called so: attempts, and planted mistakes. */
  readonly recall: Counted;
  readonly recallPlanted: Counted;
  /** Of the right answers, those that it called wrong. */
  readonly falseAlarms: Counted;
  /** Said to be unsure, and said nothing that can be read. Neither counts as a call. */
  readonly unsure: number;
  readonly ungradable: number;
  /**
   * Mean squared distance of its stated chance that an answer is wrong from what it is (Brier 1950): 0 is perfect,
   * 0.25 is what always saying one half has. Null where it states none.
   */
  readonly brier: number | null;
  /** Expected calibration error over ten bins of equal width (Naeini et al. 2015); null where it states none. */
  readonly calibrationError: number | null;
  /** Of the wrong answers, those that are right after the revision; of the right ones, those that no longer are. */
  readonly fixed: Counted;
  readonly broken: Counted;
}

const bins = 10;

/**
 * How good critiques are by themselves, from answers of which the verifier knows what they are.
 *
 * @returns figures of detection over those answers of which the critic was asked for a verdict; `of` is 0 where it never was.
 */
export function detectionFigures(
  examined: readonly Examined[],
  mended: readonly Mended[],
): DetectionFigures {
  const asked = examined.filter(({ says }) => says !== null);
  const share = (among: readonly Examined[], counts: (each: Examined) => boolean): Counted => ({
    count: among.filter(counts).length,
    of: among.length,
  });
  const isWrong = ({ kind }: Examined) => kind !== "right";
  const called = ({ says }: Examined) => says === "wrong";
  const after = new Map(mended.map(({ examinedId, verdict }) => [examinedId, verdict.outcome]));
  const rewritten = examined.filter(({ id }) => after.has(id));
  const isRight = ({ id }: Examined) => after.get(id) === "ok";
  const stated = asked.flatMap((each) => {
    const { says, confidence } = each;
    if (confidence === null || (says !== "right" && says !== "wrong" && says !== "unsure"))
      return [];
    return [{ chance: says === "right" ? 1 - confidence : confidence, wrong: isWrong(each) }];
  });
  return {
    examined: examined.length,
    precision: share(asked.filter(called), isWrong),
    recall: share(asked.filter(isWrong), called),
    recallPlanted: share(
      asked.filter(({ kind }) => kind === "planted"),
      called,
    ),
    falseAlarms: share(
      asked.filter(({ kind }) => kind === "right"),
      called,
    ),
    unsure: asked.filter(({ says }) => says === "unsure").length,
    ungradable: asked.filter(({ says }) => says === "ungradable").length,
    brier: brier(stated),
    calibrationError: calibrationError(stated),
    fixed: share(rewritten.filter(isWrong), isRight),
    broken: share(
      rewritten.filter(({ kind }) => kind === "right"),
      (each) => !isRight(each),
    ),
  };
}

interface Stated {
  /** That the answer is wrong, as the critic has it. */
  readonly chance: number;
  readonly wrong: boolean;
}

function brier(stated: readonly Stated[]): number | null {
  if (stated.length === 0) return null;
  const squares = stated.map(({ chance, wrong }) => (chance - Number(wrong)) ** 2);
  return squares.reduce((sum, square) => sum + square, 0) / stated.length;
}

function calibrationError(stated: readonly Stated[]): number | null {
  if (stated.length === 0) return null;
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    const inside = stated.filter(
      ({ chance }) => Math.min(bins - 1, Math.floor(chance * bins)) === bin,
    );
    const chances = inside.reduce((sum, { chance }) => sum + chance, 0);
    const wrong = inside.filter((each) => each.wrong).length;
    error += Math.abs(chances - wrong);
  }
  return error / stated.length;
}
