import { z } from "zod";

/**
 * What happens when a monitor fires: a note in event, progress and report; the same and the run
 * waits; the same and a promotion of that round is taken back. `off`: it is not read at all.
 */
const healthActions = ["warn", "stop", "roll-back", "off"] as const;
type HealthAction = (typeof healthActions)[number];

const monitor = (threshold: z.ZodNumber, byDefault: number) =>
  z
    .strictObject({
      threshold: threshold.default(byDefault),
      action: z.enum(healthActions).default("warn"),
    })
    .prefault({});

const share = z.number().min(0).max(1);

/** Why each threshold has its default: docs/decisions/009. */
export const healthSchema = z
  .strictObject({
    /** Smallest variety of the candidate's gate answers, as a share of what is usual there. */
    distinct: monitor(share, 0.35),
    /** Smallest dissimilarity of its gate answers, as a share of what is usual there. */
    selfSimilarity: monitor(share, 0.25),
    /** How many times longer or shorter than usual its gate answers may be. */
    length: monitor(z.number().min(1).max(1000), 2),
    /** Smallest undecidedness on unsolved tasks, as a share of the first round's. */
    entropy: monitor(share, 0.25),
    /** How much more of the attempts may be cut off than in the first round. */
    truncated: monitor(share, 0.2),
    /** How much more of the candidate's gate answers may be ungradable than of the base weights'. */
    ungradable: monitor(share, 0.1),
    /** How much more often than in the first round a majority may contradict the references. */
    judge: monitor(share, 0.15),
    /** How often the judge may contradict the verifier where that knows the better answer. */
    calibration: monitor(share, 0.4),
    /** Smallest share of new examples, as a share of 1 / round. */
    fresh: monitor(share, 0.25),
    /** How much more of the examples may repeat each other than of their references. */
    duplicates: monitor(share, 0.3),
    /** Largest loss on a retention suite, counted from the base weights. */
    retention: monitor(share, 0.15),
    /** How much success in training may pull away from success at the gate since the first round. */
    gap: monitor(share, 0.25),
  })
  .prefault({});

export type HealthSettings = z.infer<typeof healthSchema>;
export type MonitorName = keyof HealthSettings;
export const monitorNames = Object.keys(healthSchema.parse({})) as MonitorName[];

/** What one monitor saw in one round. Where there is nothing to read there is no reading, never 0. */
export interface Reading {
  readonly round: number;
  readonly monitor: MonitorName;
  readonly value: number;
  /** What the value is held against; null where nothing is known yet, and then nothing fires. */
  readonly baseline: number | null;
  readonly threshold: number;
  readonly fired: boolean;
  readonly action: Exclude<HealthAction, "off">;
  /** What was seen, as a sentence without its full stop. */
  readonly text: string;
}

const repeating =
  "Read some of the candidate's answers; if they repeat each other, lower retrain.learningRate or retrain.epochs, or set curate.order: diverse.";

/** What people can do when a monitor fires. */
export const healthAdvice: Readonly<Record<MonitorName, string>> = {
  distinct: repeating,
  selfSimilarity: repeating,
  length:
    "Read some of the candidate's answers: what makes a longer or shorter one right? Use a stricter verifier or a lower student.maxTokens.",
  entropy:
    "Raise generate.temperature, or train less: a lower retrain.learningRate or fewer epochs.",
  truncated:
    "Raise generate.maxTokens if the answers need it; otherwise see whether they still come to an end, and train less if not.",
  ungradable:
    "Read the verifier's findings on some of the candidate's answers: it may have learned a form that the verifier does not know.",
  calibration:
    "Do not train on what it prefers (retrain.pairs: verdicts), or take another judge or another judge.prompt; half of the time it would be right by chance.",
  judge: "Raise teacher.majorityShare, or set teacher.labels: reference.",
  fresh: "Add training tasks, raise generate.attempts, or set curate.carryOver: false.",
  duplicates:
    "Read the training set (redistill export): which answer passes the verifier everywhere?",
  retention: "Rehearse more (curate.replay.ratio), or train less: curate.maximum, retrain.epochs.",
  gap: "Against learning by heart, more training tasks or fewer epochs; if answers that count as right look wrong to you, a stricter verifier.",
};
