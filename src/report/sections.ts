import type { OutcomeCounts, PairedComparison } from "../core/entities.js";
import { lookText } from "../core/look.js";
import { points } from "../core/points.js";
import { retentionLabel } from "../core/retention.js";
import { evidence, retainedIn } from "./evidence.js";
import { accuracy, interval, percent, plural, pValue } from "./figures.js";
import { change, gateRemark } from "./headline.js";
import type { Change, Changes, Health, RoundReport, RunReport, SuiteReport } from "./report.js";

/** How a renderer shows text that a model or a task file wrote, and text of ours that holds names. */
export interface Style {
  quote(text: string): string;
  plain(text: string): string;
  /** As `plain`, where `this` is something to type. */
  prose(text: string): string;
}

/** A line of a list, with lines under it. */
export interface Item {
  readonly text: string;
  readonly details: readonly string[];
}

const item = (text: string, ...details: string[]): Item => ({ text, details });

/** Each suite in a sentence, with what can be held against the figure. */
export function resultItems({
  suites,
  promoted,
  stoppedEarly,
  decided,
  planned,
}: RunReport): Item[] {
  const hasSealed = suites.some(({ suite }) => suite === "sealed");
  const early =
    stoppedEarly === null
      ? []
      : [item(`Stopped early, after ${decided} of ${planned} rounds: ${stoppedEarly}.`)];
  const results = suites.map((report) => {
    const remarks: Record<SuiteReport["suite"], string> = {
      sealed: "The loop never saw these tasks.",
      gate: `Beside it: ${gateRemark}.`,
      retention: "What the base weights could do already.",
    };
    const flattering = report.suite === "gate" && (promoted === 0 || !hasSealed);
    return item(
      `${suiteLabel(report)}: ${change(report)}`,
      ...(flattering ? [] : [remarks[report.suite]]),
      ...pairDetails(report),
    );
  });
  return [...results, ...early];
}

function pairDetails({ base, comparison, margin }: SuiteReport): string[] {
  if (comparison === null) return [`Ungradable answers: ${base.ungradable}.`];
  const { candidate, gained, lost, gradable, low } = comparison;
  const unreadable = base.ungradable + candidate.ungradable > 0;
  const details = [
    `${plural(gained, "task")} gained, ${lost} lost. Ungradable answers: ${base.ungradable} before, ${candidate.ungradable} now.`,
  ];
  if (unreadable) {
    details.push(
      `On the ${plural(gradable.tasks, "task")} that both answered readably: ${points(gradable.difference)} points (${gradable.gained} gained, ${gradable.lost} lost).`,
    );
  }
  if (margin !== null) {
    details.push(
      `At worst ${points(low)} points; the recipe allows ${points(-margin)}: ${low >= -margin ? "within the margin" : "OUTSIDE THE MARGIN, counted from the base weights"}.`,
    );
  }
  return details;
}

/** Keys of a round's figures, and the titles of their columns. */
export const roundColumns = [
  ["attempts", "attempts ok"],
  ["solved", "tasks solved"],
  ["critiques", "critiques"],
  ["revisions", "revisions ok"],
  ["fixed", "tasks fixed"],
  ["examples", "examples: attempts + revisions + rehearsal"],
  ["loss", "loss"],
  ["gate", "gate: incumbent → candidate"],
  ["difference", "points (95% interval)"],
  ["level", "one-sided p (level)"],
  ["retention", "retention, points"],
  ["decision", "decision"],
] as const;

/** A round's figures as short texts, in the order of the loop. */
export function roundFigures(report: RoundReport, health: Health) {
  const { attempts, revisions, examples, training, decision } = report;
  const gate = decision?.gate ?? null;
  return {
    attempts: right(attempts),
    solved: `${report.tasksSolved}/${report.tasks}`,
    critiques: String(report.critiques),
    revisions: right(revisions),
    fixed: String(report.tasksFixed),
    examples: `${examples.attempt} + ${examples.revision} + ${examples.replay}`,
    loss: training?.loss?.toFixed(3) ?? "–",
    gate: gate ? `${accuracy(gate.baseline)} → ${accuracy(gate.candidate)}` : "–",
    difference: gate ? `${points(gate.difference)} (${interval(gate)})` : "–",
    level: gate && decision ? levelFigure(gate, decision) : "–",
    retention: decision ? retentionFigure(decision) : "–",
    decision: decision ? outcomeOf(report, health) : "not decided yet",
  };
}

/** Suites with names by these. */
function retentionFigure(decision: NonNullable<RoundReport["decision"]>): string {
  const each = retainedIn(decision).map(
    ({ name, comparison }) =>
      `${name === null ? "" : `${name} `}${points(comparison.difference)} (${interval(comparison)})`,
  );
  return each.join("; ") || "–";
}

/** How a suite is called: `gate`, `retention`, `retention (general)`. */
export function suiteLabel({ suite, name }: Pick<SuiteReport, "suite" | "name">): string {
  return name === undefined ? suite : retentionLabel(name);
}

function levelFigure(
  { pBetter }: PairedComparison,
  { level, look }: NonNullable<RoundReport["decision"]>,
): string {
  const short = Number(level.toPrecision(2));
  return look ? `${lookText(look, level)} (${short})` : `${pValue(pBetter)} (${short})`;
}

function right({ ok, wrong, ungradable }: OutcomeCounts): string {
  const total = ok + wrong + ungradable;
  return `${ok}/${total}${ungradable > 0 ? ` (${ungradable} ungradable)` : ""}`;
}

/** The gate's decision, and whether a monitor took it back. */
export function outcomeOf({ round, decision }: RoundReport, { rolledBack }: Health): string {
  return `${decision?.outcome}${rolledBack.includes(round) ? ", then rolled back" : ""}`;
}

/** Why a round ended as it did, and what curation refused. */
export function roundReasons(report: RoundReport, health: Health, style: Style): Item {
  const { decision, refused, carriedOver, training } = report;
  const details = decision ? evidence(decision) : [];
  const against = health.readings.filter(
    ({ round, fired, action }) => round === report.round && fired && action === "roll-back",
  );
  if (health.rolledBack.includes(report.round)) {
    const names = against.map(({ monitor }) => monitor).join(", ");
    details.push(`Taken back afterwards by what watches the health of learning: ${names}.`);
  }
  if (training?.eased) details.push(`Trained with ${training.eased}.`);
  if (carriedOver > 0)
    details.push(`${plural(carriedOver, "example")} carried over from earlier rounds.`);
  if (refused.length > 0) {
    const reasons = refused.map(({ reason, count }) => `${style.plain(reason)} (${count})`);
    details.push(`Refused for training: ${reasons.join(", ")}.`);
  }
  return item(`Round ${report.round} ${ending(report, health, style)}`, ...details);
}

/** The reason holds the figures already where both models were compared; the evidence has them all. */
function ending(report: RoundReport, health: Health, style: Style): string {
  const { decision } = report;
  if (decision === null) return "not decided yet";
  const outcome = outcomeOf(report, health);
  if (decision.gate === null) return `${outcome}: ${style.plain(decision.reason)}`;
  const [why] = decision.reason.split(": ");
  return decision.outcome === "promoted" ? outcome : `${outcome}: ${style.plain(why!)}`;
}

/** Tasks that came right or went wrong, under a title each. */
export function changeGroups(
  { changes, forgotten }: RunReport,
  style: Style,
): { title: string; items: Item[] }[] {
  return groupsOf(changes, forgotten).map(({ title, of, shown }) => {
    const said = ({ answer, outcome, finding }: Change["before"]) =>
      `${style.quote(answer)} (${outcome}${finding === "" ? "" : `: ${style.plain(finding)}`})`;
    const show = (each: Change) =>
      item(
        `Task${each.suite === undefined ? "" : ` (${each.suite})`}: ${style.quote(each.task)}`,
        ...(each.expected === null ? [] : [`Expected: ${style.quote(each.expected)}`]),
        `${capital(of.before)}: ${said(each.before)}`,
        `${capital(of.after)}: ${said(each.after)}`,
      );
    return { title, items: shown.map(show) };
  });
}

/** What changed, in groups with a title each: gained, lost, forgotten. */
export function groupsOf(changes: Changes | null, forgotten: Changes | null) {
  const group = (of: Changes | null, what: string, all: number, shown: readonly Change[]) => {
    if (of === null || shown.length === 0) return [];
    const chosen =
      shown.length === all ? all : `${shown.length} of ${all}, chosen by the run's seed`;
    const suites = shown[0]!.suite === undefined ? "suite" : "suites";
    return [{ title: `${what}: ${chosen} (${of.suite} ${suites}, ${of.after})`, of, shown }];
  };
  return [
    ...group(changes, "Wrong before, right now", changes?.gained ?? 0, changes?.better ?? []),
    ...group(changes, "Right before, wrong now", changes?.lost ?? 0, changes?.worse ?? []),
    ...group(forgotten, "Forgotten", forgotten?.lost ?? 0, forgotten?.worse ?? []),
  ];
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Drafts that the model put right itself. */
export function reworkedItems({ reworked }: RunReport, style: Style): Item[] {
  return reworked.map(({ round, task, draft, critique, revision }) =>
    item(
      `Round ${round}, task: ${style.quote(task)}`,
      `Draft: ${style.quote(draft)}`,
      ...(critique === null ? [] : [`Critique: ${style.quote(critique)}`]),
      `Revision: ${style.quote(revision)}`,
    ),
  );
}

/** What the figures rest on: sizes, looks, hashes. */
export function basisItems({ basis, planned }: RunReport, style: Style): Item[] {
  const { tasks, looks, alpha, gateTest, levelPerLook, prompts, incumbent } = basis;
  const named = (basis.retentionSuites ?? []).map((each) => `${each.name} ${each.tasks}`);
  const sizes = Object.entries(tasks).map(([split, size]) =>
    split === "retention" && named.length > 0
      ? `${split} ${size} (${named.join(", ")})`
      : `${split} ${size}`,
  );
  const level = Number(levelPerLook.toPrecision(2));
  const tested =
    gateTest === "sequential"
      ? `each may stop at any task, at level ${level} or more (what rounds without a candidate or with a promotion did not lose is handed on)`
      : `each tested one-sided at ${level}`;
  return [
    item(`Tasks: ${sizes.join(", ")}.`),
    item(
      `Looks at the gate: ${looks} of ${planned} planned; ${tested}, so that the whole run promotes a candidate that is no better with a chance of at most ${percent(alpha)}.`,
    ),
    item("Differences: exact McNemar test, Tango's 95% interval; p two-sided except at the gate."),
    ...quarantineItems(basis.quarantined),
    item(`Incumbent: ${incumbent === null ? "the base weights" : `adapter ${incumbent}`}`),
    ...basis.models.map(({ roles, description }) =>
      item(`Model as ${roles}: ${style.quote(description)}`),
    ),
    item(`Model digest (weights, template, engine): ${basis.modelDigest}`),
    item(`Recipe hash: ${basis.recipeHash}; seed ${basis.seed}`),
    ...prompts.map(({ stage, name, hash }) =>
      item(`Prompt ${stage}/${name}: ${hash.slice(0, 16)}`),
    ),
  ];
}

/** What to do next, with the reasons. */
export function adviceItems({ advice }: RunReport, style: Style): Item[] {
  return advice.map(({ text, command, because }) =>
    item(
      command === null ? style.prose(text) : `${style.prose(text)}: ${style.quote(command)}`,
      style.prose(because),
    ),
  );
}

function quarantineItems(quarantined: RunReport["basis"]["quarantined"]): Item[] {
  if (quarantined.length === 0) return [];
  return [
    item(
      `Without an answer: ${plural(quarantined.length, "request")} that crashed the engine each time or that its server refused; what they were for is ungradable, never wrong.`,
      ...quarantined.map(({ round, stage }) => `Round ${round}, ${stage}.`),
    ),
  ];
}
