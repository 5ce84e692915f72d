import type { Lever, LeverSettings, Observation, RoundSeen } from "../core/policy.js";

/** The newest finished rounds, oldest first; fewer where there are not so many. */
export function latest({ rounds }: Observation, count: number): readonly RoundSeen[] {
  return rounds.slice(-count);
}

/** What a candidate is made by: one of other settings says nothing of these. */
const trainingLevers: readonly Lever[] = [
  ...(["curate.maximum", "curate.replay.ratio", "retrain.from"] as const),
  ...(["retrain.epochs", "retrain.rank", "retrain.learningRate"] as const),
];

/** Whether two settings train alike, whatever else differs. */
export function trainsAlike(a: LeverSettings, b: LeverSettings): boolean {
  return trainingLevers.every((lever) => a[lever] === b[lever]);
}

/** The newest finished rounds that trained by the settings of the last, oldest first: at most so many in a row. */
export function latestAlike(observation: Observation, count: number): readonly RoundSeen[] {
  const recent = latest(observation, count);
  const last = recent.at(-1);
  const other = recent.findLastIndex(
    ({ settings }) => last !== undefined && !trainsAlike(settings, last.settings),
  );
  return recent.slice(other + 1);
}

/**
 * pass@k of a round: the chance that one of k attempts at a task is right, mean over its tasks, by the unbiased
 * estimate 1 - C(n - c, k) / C(n, k) of n attempts with c right (Chen et al. 2021, "Evaluating Large Language Models
 * Trained on Code").
 *
 * @returns null where no task had k attempts.
 */
export function passAt({ tasks }: Observation, round: number, k: number): number | null {
  let [sum, count] = [0, 0];
  for (const { tries } of tasks) {
    const tried = tries.find((each) => each.round === round);
    if (tried === undefined || tried.attempts < k) continue;
    sum += 1 - missAll(tried.attempts, tried.right, k);
    count++;
  }
  return count === 0 ? null : sum / count;
}

/** C(n - c, k) / C(n, k), as a product. */
function missAll(attempts: number, right: number, k: number): number {
  let chance = 1;
  for (let i = 0; i < k; i++) chance *= Math.max(0, attempts - right - i) / (attempts - i);
  return chance;
}

/** Solved tasks that the last attempts of a round added, against what an attempt adds on average. */
export interface AttemptYield {
  readonly first: number;
  readonly all: number;
  /** (pass@k - pass@h) / (k - h) over pass@k / k, h half of k: 1 where each attempt adds as much, 0 where the last add nothing. */
  readonly ratio: number;
  /** Solved tasks for a token of these last attempts. */
  readonly perToken: number;
}

/** @returns null with one attempt a task, or where nothing was solved. */
export function attemptYield(observation: Observation, round: RoundSeen): AttemptYield | null {
  const k = Number(round.settings["generate.attempts"]);
  if (!(k >= 2)) return null;
  const half = Math.ceil(k / 2);
  const [first, before, all] = [1, half, k].map((n) => passAt(observation, round.number, n));
  if (first == null || before == null || !all) return null;
  const tokens = (round.tokens - (round.revisions?.tokens ?? 0)) * ((k - half) / k);
  const gained = (all - before) * round.tasks;
  return {
    first,
    all,
    ratio: (all - before) / (k - half) / (all / k),
    perToken: tokens > 0 ? gained / tokens : 0,
  };
}

/** Tasks that revisions fixed, for a token of critiques and revisions, over several rounds; null where nothing was revised. */
export function revisionYield(rounds: readonly RoundSeen[]): {
  readonly asked: number;
  readonly fixed: number;
  readonly perToken: number;
} | null {
  const sum = (key: "asked" | "fixed" | "tokens") =>
    rounds.reduce((total, { revisions }) => total + (revisions?.[key] ?? 0), 0);
  const [asked, fixed, tokens] = [sum("asked"), sum("fixed"), sum("tokens")];
  return asked === 0 || tokens === 0 ? null : { asked, fixed, perToken: fixed / tokens };
}

/** What candidates knew of what they had learned and of what they had not. */
export interface Fit {
  readonly learned: number;
  readonly unseen: number;
  /** learned - unseen over its standard error under one common share: beyond 1.64 once in twenty by chance. */
  readonly z: number;
}

/** Fewer answers than this of a kind say nothing. */
export const fewestAnswers = 12;

/** Of several rounds together; null where too few answers were validated. */
export function fitOf(rounds: readonly RoundSeen[]): Fit | null {
  const sum = (kind: "learned" | "unseen", key: "right" | "tasks") =>
    rounds.reduce((total, { validation }) => total + (validation?.[kind][key] ?? 0), 0);
  const [a, n] = [sum("learned", "right"), sum("learned", "tasks")];
  const [b, m] = [sum("unseen", "right"), sum("unseen", "tasks")];
  if (Math.min(n, m) < fewestAnswers) return null;
  const common = (a + b) / (n + m);
  const error = Math.sqrt(common * (1 - common) * (1 / n + 1 / m));
  const [learned, unseen] = [a / n, b / m];
  return { learned, unseen, z: error === 0 ? 0 : (learned - unseen) / error };
}

/** Whether a round was rejected for what it forgot. */
export function forgot({ outcome, retention }: RoundSeen): boolean {
  return outcome === "rejected" && retention !== null && retention.worst > retention.margin;
}

/**
 * Whether more right answers would do a round good: not where it had as many as it may learn from, nor after it forgot
 * too much, since more examples are a larger dose.
 */
export function lacksExamples(round: RoundSeen): boolean {
  return !isFull(round) && !forgot(round);
}

/** Whether a round had as many right answers as it may learn from: more of them would change nothing. */
export function isFull({ examples, settings }: RoundSeen): boolean {
  const maximum = settings["curate.maximum"];
  return typeof maximum === "number" && examples >= maximum;
}
