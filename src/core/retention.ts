import { z } from "zod";
import type { Decision, PairedComparison, SuiteRetained } from "./entities.js";
import { isSuiteName } from "./safe-names.js";

const share = z.number().min(0).max(1);

const suite = z.strictObject({
  name: z
    .string()
    .refine(
      isSuiteName,
      "a suite's name has a-z, 0-9 and -, at most 40, and is no word for other tasks",
    ),
  path: z.string().min(1),
  /** Its own largest loss; by default that of all. */
  margin: share.optional(),
});

/** One suite by its path, or several by name: what the base model can do already and must not lose. */
export const retentionSchema = z
  .strictObject({
    path: z.string().min(1).optional(),
    suites: z.array(suite).min(1, "name one suite at least, or leave `suites` out").optional(),
    maxTokens: z.number().int().min(1).max(4096).default(32),
    /** Largest loss, as a share of a suite's tasks, that its interval may reach. */
    margin: share.default(0.1),
  })
  .superRefine(({ path, suites }, context) => {
    const refuse = (at: (string | number)[], message: string) =>
      context.addIssue({ code: "custom", path: at, message });
    if (path === undefined && suites === undefined) {
      refuse(["path"], "name a task file here, or several with names under retention.suites");
    }
    if (path !== undefined && suites !== undefined) {
      refuse(
        ["suites"],
        "give one suite as retention.path or several as retention.suites, not both",
      );
    }
    for (const [position, { name }] of (suites ?? []).entries()) {
      if (suites!.findIndex((each) => each.name === name) === position) continue;
      refuse(["suites", position, "name"], `two suites are called ${name}; give each its own name`);
    }
  })
  .nullable()
  .default(null);

type Retention = z.infer<typeof retentionSchema>;

/** A retention suite of a recipe; `name` is null where there is one by its path. */
export interface RetentionSuite {
  readonly name: string | null;
  readonly path: string;
  /** Largest loss, as a share of its tasks. */
  readonly margin: number;
}

/** The retention suites of a recipe in their order; none where it has none. */
export function retentionSuites(retention: Retention): readonly RetentionSuite[] {
  if (retention === null) return [];
  const { path, suites, margin } = retention;
  if (suites === undefined) return path === undefined ? [] : [{ name: null, path, margin }];
  return suites.map((each) => ({
    name: each.name,
    path: each.path,
    margin: each.margin ?? margin,
  }));
}

/** The same settings with other paths: absolute ones, or what the files hold. */
export function withPaths<T extends NonNullable<Retention>>(
  retention: T,
  to: (path: string) => string,
): T {
  const { path, suites } = retention;
  return {
    ...retention,
    ...(path === undefined ? {} : { path: to(path) }),
    ...(suites && { suites: suites.map((each) => ({ ...each, path: to(each.path) })) }),
  };
}

/** What the candidate kept of a suite; `name` is null where there is one by its path. */
export interface Retained {
  readonly name: string | null;
  readonly margin: number;
  readonly comparison: PairedComparison;
}

/**
 * What a decision saw of each retention suite, whichever form it has; none where nothing was compared.
 *
 * @param margin Of the recipe, where it has one suite; the others' margins are in the decision.
 */
export function retainedOf(
  { retention, retentionSuites: suites }: Pick<Decision, "retention" | "retentionSuites">,
  margin: number | null,
): readonly Retained[] {
  if (suites !== undefined) return suites;
  // Without a margin nothing is too much: a loss of all is allowed.
  return retention === null ? [] : [{ name: null, margin: margin ?? 1, comparison: retention }];
}

/** The retention part of a decision: one suite's comparison as ever, or each suite's under its name. */
export function retentionFields(
  retained: readonly Retained[],
): Pick<Decision, "retention" | "retentionSuites"> {
  const named = retained.filter((each): each is SuiteRetained => each.name !== null);
  if (named.length > 0) return { retention: null, retentionSuites: named };
  return { retention: retained[0]?.comparison ?? null };
}

/** Whether the interval ends within the margin. */
export function isKept({ comparison, margin }: Pick<Retained, "comparison" | "margin">): boolean {
  return comparison.low >= -margin;
}

/**
 * The loss that an interval reaches as a share of its margin: over 1 where too much may be lost. What suites of other
 * margins are compared by.
 *
 * @param worst Loss as a share of the tasks, 0 or more.
 */
export function marginUsed(worst: number, margin: number): number {
  if (margin > 0) return worst / margin;
  return worst > 0 ? Number.POSITIVE_INFINITY : 1;
}

/** The same of a comparison. */
export function usedOf({ comparison, margin }: Pick<Retained, "comparison" | "margin">): number {
  return marginUsed(Math.max(0, -comparison.low), margin);
}

/** The item nearest to its margin, or furthest beyond it; the first of equal ones, undefined of none. */
export function nearestToMargin<T>(items: readonly T[], used: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (nearest, item) => (nearest === undefined || used(item) > used(nearest) ? item : nearest),
    undefined,
  );
}

/** How a suite is called in texts: `retention`, or `retention (general)` where there are several. */
export function retentionLabel(name: string | null | undefined): string {
  return name == null ? "retention" : `retention (${name})`;
}
