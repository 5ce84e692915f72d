import { z } from "zod";
import { messageOf } from "./errors.js";
import { canonicalJson } from "./hash.js";
import { lessonFault, lessonStates } from "./lesson.js";

const text = z.string().superRefine((value, context) => {
  const fault = lessonFault(value);
  if (fault !== null) context.addIssue({ code: "custom", message: `no lesson: ${fault}` });
});

const count = z.number().min(0).max(1e9);
const none = { shownRight: 0, shownTasks: 0, withheldRight: 0, withheldTasks: 0 };

const counts = z
  .strictObject({
    shownRight: count,
    shownTasks: count,
    withheldRight: count,
    withheldTasks: count,
  })
  .refine(
    (each) => each.shownRight <= each.shownTasks && each.withheldRight <= each.withheldTasks,
    "more right than tasks",
  );

/** One lesson on a line of a file that `redistill memory export` writes and `import` reads. */
export const lessonLineSchema = z
  .strictObject({
    schema: z.literal("redistill-lesson"),
    version: z.literal(1),
    family: z.string().regex(/^[a-z0-9][a-z0-9._:-]{0,79}$/),
    cluster: z.string().min(1).max(200).nullable().default(null),
    /** Its words, oldest first. */
    texts: z.array(text).min(1).max(1000),
    state: z.enum(lessonStates).default("active"),
    /** Why it is not in use. */
    reason: z.string().min(1).max(2000).nullable().default(null),
    counts: counts.default(none),
    /** Prompts of the training tasks that it was learned from. */
    tasks: z.array(z.string().min(1)).max(100_000).default([]),
  })
  .refine((line) => (line.state === "active") === (line.reason === null), {
    path: ["reason"],
    message: "a lesson that is not in use has a reason, and one that is has none",
  });

export type LessonLine = z.infer<typeof lessonLineSchema>;

export function lessonLineText(line: LessonLine): string {
  return canonicalJson(line);
}

/** A lesson from its line, or what is wrong with the line, as a sentence. */
export function parseLessonLine(line: string): LessonLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `it is no JSON (${messageOf(error)})`;
  }
  const version =
    typeof value === "object" && value !== null && "version" in value && value.version;
  if (typeof version === "number" && version > 1) {
    return `it has version ${version}; this redistill reads 1`;
  }
  const parsed = lessonLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.join(".");
  return where === "" ? issue!.message : `${where}: ${issue!.message}`;
}
