import type { Evaluation } from "../core/entities.js";
import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import { distinctPairs, median, selfSimilarity } from "../stats/index.js";
import {
  atLeast,
  atMostAbove,
  candidateAndBase,
  type HealthInput,
  type Measure,
  type Monitor,
  percent,
  referencesOf,
} from "./monitor.js";

/** Answers that are read at most; of larger suites the tasks are drawn by lot, with the run's seed. */
const mostAnswers = 1_000;

function answersTo(ids: readonly string[], items: readonly Evaluation[]): string[] {
  const answers = new Map(items.map(({ taskId, answer }) => [taskId, answer]));
  return ids.flatMap((id) => answers.get(id) ?? []);
}

/**
 * A figure of the candidate's gate answers, of the base weights' and of the references. Learning a
 * form takes a student from the one towards the other, so that everything between them is healthy.
 */
function threeFigures(
  input: HealthInput,
  figure: (texts: readonly string[]) => number | null,
): { value: number; base: number; references: number | null } | null {
  const pair = candidateAndBase(input);
  if (pair === null) return null;
  const seed = seedFor(input.recipe.seed, "health", "answers");
  const ids = shuffled(
    pair.candidate.map(({ taskId }) => taskId),
    seed,
  ).slice(0, mostAnswers);
  const references = referencesOf(input.tasks.gate, ids);
  const value = figure(answersTo(ids, pair.candidate));
  const base = figure(answersTo(ids, pair.base));
  if (value === null || base === null) return null;
  return { value, base, references: references && figure(references) };
}

type Figures = NonNullable<ReturnType<typeof threeFigures>>;

const known = ({ base, references }: Figures) =>
  references === null ? [base] : [base, references];

function compared({ base, references }: Figures, show: (value: number) => string): string {
  const other = references === null ? "" : `, the references ${show(references)}`;
  return `the base weights' have ${show(base)}${other}`;
}

/** One sentence for every question: few pairs of words that differ. */
export const distinct: Monitor = {
  name: "distinct",
  measure(input): Measure | null {
    const figures = threeFigures(input, distinctPairs);
    return (
      figures && {
        value: figures.value,
        baseline: Math.min(...known(figures)),
        text: `in the candidate's gate answers ${percent(figures.value)} of the word pairs differ; ${compared(figures, percent)}`,
      }
    );
  },
  healthy: atLeast,
};

/** Answers that are alike as wholes; few words that are said in many orders do not count. */
export const selfSimilarityMonitor: Monitor = {
  name: "selfSimilarity",
  measure(input): Measure | null {
    const seed = seedFor(input.recipe.seed, "health", "selfSimilarity");
    const figures = threeFigures(input, (texts) => selfSimilarity(texts, seed));
    if (figures === null) return null;
    const baseline = Math.max(...known(figures));
    return {
      value: figures.value,
      // Where everything is the same already, nothing can collapse.
      baseline: baseline < 1 ? baseline : null,
      text: `two of the candidate's gate answers share ${percent(figures.value)} of their words and phrases on average; ${compared(figures, percent)}`,
    };
  },
  healthy: (baseline, threshold) => [Number.NEGATIVE_INFINITY, 1 - threshold * (1 - baseline)],
};

/** Ever longer answers that hold something for every verifier, or ever shorter ones. */
export const length: Monitor = {
  name: "length",
  measure(input): Measure | null {
    const figures = threeFigures(input, (texts) => median(texts.map((text) => text.length)));
    if (figures === null) return null;
    const { value } = figures;
    const [shortest, longest] = [Math.min(...known(figures)), Math.max(...known(figures))];
    return {
      value,
      // The nearest length that base weights and references give a reason for.
      baseline: Math.min(Math.max(value, shortest), longest),
      text: `the candidate's gate answers have ${value} characters (median); ${compared(figures, String)}`,
    };
  },
  healthy: (baseline, threshold) => [
    Math.max(1, baseline) / threshold,
    Math.max(1, baseline) * threshold,
  ],
};

/** Answers that no verifier can read. */
export const ungradable: Monitor = {
  name: "ungradable",
  measure(input): Measure | null {
    const pair = candidateAndBase(input);
    if (pair === null) return null;
    const shareOf = (items: readonly Evaluation[]) =>
      items.filter(({ verdict }) => verdict.outcome === "ungradable").length / items.length;
    const [value, baseline] = [shareOf(pair.candidate), shareOf(pair.base)];
    return {
      value,
      baseline,
      text: `${percent(value)} of the candidate's gate answers are ungradable; of the base weights' ${percent(baseline)}`,
    };
  },
  healthy: atMostAbove,
};
