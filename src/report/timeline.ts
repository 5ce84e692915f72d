import type { RunEvent } from "../store/events.js";
import type { StageRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { payloadText, spaced } from "./event-text.js";
import { duration, plural } from "./figures.js";
import type { TimelineEntry } from "./report.js";

/** Time in a session, in seconds, that neither a stage nor an event accounts for. */
const unexplained = 300;
/** Work that was under way for less than this, in seconds, is not worth a line. */
const worthALine = 60;

/** What happened when, from events and finished stages, with a line for each gap that says why. */
export function readTimeline(store: Store, run: RunRow): TimelineEntry[] {
  const timeline = new Timeline(store, run.id);
  for (const row of merged(store.events.of(run.id), store.rounds.stages(run.id))) {
    if ("stage" in row) timeline.stage(row);
    else timeline.event(row);
  }
  return timeline.ended();
}

/** Both lists in their own order, which holds whatever the clock did, woven together by their times. */
function merged(events: readonly RunEvent[], stages: readonly StageRow[]): (RunEvent | StageRow)[] {
  const rows: (RunEvent | StageRow)[] = [];
  let next = 0;
  for (const event of events) {
    while (next < stages.length && stages[next]!.finishedAt <= event.at) rows.push(stages[next++]!);
    rows.push(event);
  }
  return [...rows, ...stages.slice(next)];
}

class Timeline {
  private readonly entries: TimelineEntry[] = [];
  /** Stages of one round that follow each other undisturbed share a line. */
  private group: StageRow[] = [];
  private working = false;
  /** The last moment of which something is known. */
  private mark = "";
  private round = 1;
  /** With the place of the gap that begins there: what happens in it comes after its line. */
  private lastEnd: { at: string; place: number; why: string } | null = null;

  constructor(
    private readonly store: Store,
    private readonly runId: string,
  ) {}

  stage(row: StageRow): void {
    const missing = secondsBetween(this.mark, row.finishedAt) - row.seconds;
    if (this.working && missing > unexplained) {
      this.flush();
      const text = `${duration(missing)} unaccounted for: the machine slept, or its clock was changed`;
      this.add(this.mark, "gap", text);
    }
    if (this.group[0] !== undefined && this.group[0].round !== row.round) this.flush();
    this.group.push(row);
    this.round = row.round;
    this.mark = row.finishedAt;
  }

  event({ kind, payload, at, round }: RunEvent): void {
    this.flush();
    if (kind === "started" || kind === "resumed") this.begins(kind, at);
    else if (kind === "interrupted" || kind === "paused" || kind === "failed") {
      const text = payloadText(payload) || "no reason was recorded";
      this.underWay(at);
      this.add(at, kind === "failed" ? "fault" : "stop", `${capital(kind)}: ${text}`);
      this.lastEnd = { at, place: this.entries.length, why: gapReason(kind, text, payload.cause) };
      this.working = false;
    } else if (kind === "finished") {
      const { stoppedEarly } = payload;
      const early = typeof stoppedEarly === "string" ? ` early: ${stoppedEarly}` : "";
      this.add(at, "good", `Finished${early}`);
      this.working = false;
      this.lastEnd = null;
    } else {
      const subject = round === null ? spaced(kind) : `Round ${round} ${spaced(kind)}`;
      const said = payloadText(payload);
      const tone = kind === "promoted" ? "good" : decided.has(kind) ? "plain" : "notice";
      this.add(at, tone, `${capital(subject)}${said === "" ? "" : `: ${said}`}`);
    }
    this.mark = at;
  }

  /** The entries, with a last one where no end is recorded. */
  ended(): TimelineEntry[] {
    this.flush();
    if (this.working) {
      const until = this.underWay("9999");
      const text =
        "The last trace: it is still running, or its process is gone; `redistill status` says which";
      this.add(until, "gap", text);
    } else if (this.lastEnd) this.notRunning(this.lastEnd, "Not running since");
    return this.entries;
  }

  private notRunning({ at, place, why }: { at: string; place: number; why: string }, text: string) {
    this.entries.splice(place, 0, { at, tone: "gap", text: `${text}: ${why}`, times: 1 });
  }

  private begins(kind: string, at: string): void {
    if (this.working) {
      const from = this.underWay(at);
      this.add(
        from,
        "gap",
        `${away(from, at)}: the process was gone (killed or crashed) from about then`,
      );
    } else if (this.lastEnd) {
      this.notRunning(this.lastEnd, away(this.lastEnd.at, at));
    }
    this.add(at, "start", capital(kind));
    this.working = true;
    this.lastEnd = null;
  }

  /** A line for a stage that was not finished; gives the time of the last trace before `until`. */
  private underWay(until: string): string {
    const traces = this.store.calls.tracesBetween(this.runId, this.round, this.mark, until);
    const last = traces.at(-1);
    if (last === undefined || !this.working) return this.mark;
    if (secondsBetween(this.mark, last.last) >= worthALine) {
      const name = stageName(last.stage);
      const text = `Round ${last.round}: ${name} under way, ${plural(last.calls, "answer")} paid for and kept`;
      this.add(this.mark, "work", text);
    }
    return last.last;
  }

  private flush(): void {
    const [first] = this.group;
    if (first === undefined) return;
    const what = this.group.map(({ stage, seconds }) => `${stageName(stage)} ${duration(seconds)}`);
    const began = new Date(Date.parse(first.finishedAt) - first.seconds * 1000).toISOString();
    const subject = first.stage === "final" ? "After the last round" : `Round ${first.round}`;
    // A stage has its row when it ends: what happened while it ran comes after its beginning.
    let place = this.entries.length;
    while (this.entries[place - 1]?.tone === "notice" && this.entries[place - 1]!.at > began)
      place--;
    const text = `${subject}: ${what.join(", ")}`;
    this.entries.splice(place, 0, { at: began, tone: "work", text, times: 1 });
    this.group = [];
  }

  private add(at: string, tone: TimelineEntry["tone"], text: string): void {
    const last = this.entries.at(-1);
    const again = tone === "notice" && last?.tone === tone && last.text === text;
    if (again) this.entries[this.entries.length - 1] = { ...last, times: last.times + 1 };
    else this.entries.push({ at, tone, text, times: 1 });
  }
}

const decided: ReadonlySet<string> = new Set(["promoted", "rejected", "skipped"]);

/** The line before it has the sentence. */
function gapReason(kind: string, text: string, cause: unknown): string {
  if (kind === "interrupted") return text;
  if (kind === "failed") return "it had failed";
  return typeof cause === "string" ? `waiting (${cause})` : "waiting";
}

function away(from: string, until: string): string {
  const seconds = secondsBetween(from, until);
  return seconds < 0
    ? "Not running for a time that is not known, since the clock was set back"
    : `Not running for ${duration(seconds)}`;
}

/** The final test is a stage without a round of its own. */
export function stageName(stage: string): string {
  return stage === "final" ? "sealed suite" : stage;
}

function secondsBetween(from: string, until: string): number {
  return (Date.parse(until) - Date.parse(from)) / 1000;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
