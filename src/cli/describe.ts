import type { Progress } from "../controller/progress.js";
import { duration } from "../report/index.js";

/** Progress that the next line may replace. */
export function isLive(progress: Progress): boolean {
  return ["items", "training", "stage"].includes(progress.kind);
}

/** One line for people; null where there is nothing to say. */
export function describeProgress(progress: Progress): string | null {
  switch (progress.kind) {
    case "run":
      return `${progress.resumed ? "Resuming" : "Starting"} run ${progress.runId}${progress.rounds === 0 ? "" : `: ${progress.rounds} rounds`}`;
    case "note":
      return progress.text;
    case "stage":
      return `  ${place(progress)} …`;
    case "items": {
      const { done, total, tokensPerSecond, secondsLeft, cached, score } = progress;
      const parts = [`${done}/${total}`];
      if (cached > 0) parts.push(`${cached} already paid for`);
      if (tokensPerSecond > 0) parts.push(`${Math.round(tokensPerSecond)} tokens/s`);
      if (secondsLeft !== null && done < total) parts.push(`${duration(secondsLeft)} left`);
      if (score !== null) parts.push(`incumbent ${(score * 100).toFixed(1)}% on the gate`);
      return `  ${place(progress)}: ${parts.join(", ")}`;
    }
    case "training": {
      const { step, steps, loss, tokensPerSecond, secondsLeft } = progress;
      return `  round ${progress.round} retrain: step ${step}/${steps}${loss === null ? "" : `, loss ${loss.toFixed(3)}`}, ${Math.round(tokensPerSecond)} tokens/s, ${duration(secondsLeft)} left`;
    }
    case "stage-done": {
      const figures = Object.entries(progress.summary)
        .filter(([key]) => !["decision", "reason"].includes(key))
        .map(([key, value]) => `${key} ${value}`)
        .join(", ");
      const left = progress.runSecondsLeft;
      const ending = left === null || left < 1 ? "" : `; about ${duration(left)} left in all`;
      return `  ${place(progress)}: ${figures} (${duration(progress.seconds)}${ending})`;
    }
    case "decision":
      return `Round ${progress.round} ${progress.decision.outcome.toUpperCase()}: ${progress.decision.reason}`;
    case "finished":
      return `Run ${progress.runId} finished.`;
  }
}

function place({ round, stage }: { round: number; stage: string }): string {
  // What is no part of a round, such as a search for a prompt, has 0.
  if (round === 0) return stage;
  return stage === "final" ? "sealed suite, base and final" : `round ${round} ${stage}`;
}
