import { RedistillError } from "../core/errors.js";
import { channelKey, type NotifyEvent } from "../core/notify.js";
import type { Text } from "../notify/message.js";
import { failedText, finishedText, pausedText, roundText } from "../notify/message.js";
import { commonAnswers, comparePaired } from "../stats/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

const confidence = 0.95;

/** What happened; `occasion` is the sequence of its row in `events`. */
type Happening = { readonly occasion: number } & (
  | {
      readonly event: "promoted" | "rejected";
      readonly round: number;
      readonly secondsLeft: number | null;
    }
  | { readonly event: "paused"; readonly reason: string; readonly returns: boolean }
  | { readonly event: "failed"; readonly error: unknown }
  | {
      readonly event: "finished";
      /** What it came to, where that is no matter of rounds. */
      readonly told?: Text;
    }
);

/**
 * Puts a notification for each channel that wants to hear of an event into the outbox. Called in the
 * transaction that writes the event, so that there is never one without the other.
 */
export function announce(store: Store, run: RunRow, happening: Happening): void {
  const channels = channelsFor(run, happening.event);
  if (channels.length === 0) return;
  const { event, occasion } = happening;
  const round = event === "finished" ? null : (store.rounds.all(run.id).at(-1)?.number ?? null);
  const text = textOf(store, run, round, happening);
  const notice = { run: run.id, round, event, ...text, at: new Date().toISOString() };
  for (const channel of channels) store.outbox.add(notice, channelKey(channel), occasion);
}

function channelsFor({ recipe }: RunRow, event: NotifyEvent) {
  return recipe.notify.filter(({ events }) => events.includes(event));
}

function textOf(store: Store, run: RunRow, round: number | null, happening: Happening): Text {
  const { id, recipe } = run;
  switch (happening.event) {
    case "promoted":
    case "rejected": {
      const decision = store.rounds.decision(id, happening.round)!;
      const margin = recipe.retention?.margin ?? null;
      const { round: decided, secondsLeft } = happening;
      const { rounds } = recipe;
      return roundText({ run: id, round: decided, rounds, decision, margin, secondsLeft });
    }
    case "paused": {
      const { reason, returns } = happening;
      return pausedText({ run: id, round, reason, returns });
    }
    case "failed": {
      const { error } = happening;
      const kind = error instanceof RedistillError ? error.kind : "internal";
      return failedText({ run: id, round, kind });
    }
    case "finished":
      if (happening.told) return happening.told;
      return finishedText({ run: id, rounds: recipe.rounds, ...outcome(store, run) });
  }
}

/** Base weights against incumbent, on the sealed suite or else on the gate's. */
function outcome(store: Store, run: RunRow) {
  const of = (suite: "sealed" | "gate", adapter: string | null) =>
    store.rounds.evaluations.of(run.id, suite, adapter);
  const suite = of("sealed", null).length > 0 ? ("sealed" as const) : ("gate" as const);
  const [base, now] = [of(suite, null), run.incumbent === null ? [] : of(suite, run.incumbent)];
  return {
    suite,
    promoted: store.rounds
      .all(run.id)
      .filter(({ number }) => store.rounds.decision(run.id, number)?.outcome === "promoted").length,
    comparison:
      base.length === 0 || now.length === 0
        ? null
        : comparePaired(...commonAnswers(base, now), confidence),
  };
}
