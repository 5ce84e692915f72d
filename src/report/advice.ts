import { healthAdvice } from "../core/health.js";
import { lookDifference } from "../core/look.js";
import { nothingNew } from "../core/memory.js";
import type { Recipe } from "../core/recipe.js";
import { isKept } from "../core/retention.js";
import { saysHowToGoOn } from "./ended.js";
import { boundsOf, retainedIn, sensitivity } from "./evidence.js";
import { percent } from "./figures.js";
import type { Advice, RunReport } from "./report.js";

type Facts = Pick<
  RunReport,
  "run" | "finished" | "ended" | "rounds" | "health" | "suites" | "best"
>;

/** From this share of attempts that cannot be read, the form of answers is the first thing to mend. */
const muchUngradable = 0.2;

/** What to do next, the most urgent first: rules over what came out, each with its reason. */
export function adviceFor(facts: Facts, recipe: Recipe): Advice[] {
  return [
    ...unfinished(facts),
    ...unhealthy(facts),
    ...gain(facts),
    ...forgetting(facts, recipe),
    ...notBetter(facts, recipe),
    ...noCandidate(facts, recipe),
    ...unreadable(facts),
    ...own(facts),
  ];
}

function unfinished({ run, finished, ended }: Facts): Advice[] {
  if (finished) return [];
  const because = "The run has not ended; everything that it paid for is kept.";
  const goOn = { text: "Go on with it", command: `redistill resume ${run}`, because };
  if (ended === null || ended.hint === null) return [goOn];
  const what = ended.state === "paused" ? "The run waits" : "The run failed";
  const mend = { text: ended.hint, command: null, because: `${what}: ${ended.reason}` };
  return saysHowToGoOn(ended.hint) ? [mend] : [mend, goOn];
}

/** What can be done about each monitor that fired, unless the run waits with these very words. */
function unhealthy({ health, ended }: Facts): Advice[] {
  const fired = health.readings.filter((reading) => reading.fired);
  const monitors = [...new Set(fired.map(({ monitor }) => monitor))];
  return monitors.flatMap((monitor) => {
    const text = healthAdvice[monitor];
    if (ended?.hint?.includes(text)) return [];
    const rounds = fired.filter((reading) => reading.monitor === monitor);
    const because = `The monitor ${monitor} fired in ${roundsOf(rounds, "r")}.`;
    return [{ text, command: null, because }];
  });
}

function gain({ run, finished, best, suites }: Facts): Advice[] {
  if (!finished || best === null) return [];
  const sealed = suites.find(({ suite }) => suite === "sealed")?.comparison ?? null;
  if (sealed === null) {
    const because = "Only the gate suite, which chose the winner, speaks for the gain.";
    const text = "Set tasks.sealed, so that tasks nobody chose by confirm it.";
    return [{ text, command: null, because }];
  }
  if (sealed.low > 0) {
    const because = "The sealed suite, which the loop never saw, confirms the gain.";
    return [{ text: "Take the adapter along", command: `redistill export ${run}`, because }];
  }
  const because = "The sealed suite does not confirm what the gate suite showed.";
  const text = "Do not rely on the gain yet; run again with more sealed tasks.";
  return [{ text, command: null, because }];
}

function forgetting({ rounds }: Facts, recipe: Recipe): Advice[] {
  const forgot = rounds.filter(({ decision }) => {
    const bounds = decision && boundsOf(decision);
    return bounds?.better && !bounds.kept;
  });
  if (forgot.length === 0) return [];
  if (recipe.retrain.method === "memory") return [];
  const { learningRate, epochs } = recipe.retrain;
  const { replay } = recipe.curate;
  const rehearse =
    replay === null
      ? "rehearse general prompts (curate.replay)"
      : `rehearse more (curate.replay.ratio, now ${replay.ratio})`;
  return [
    {
      text: `Train more gently: halve retrain.learningRate (now ${learningRate}) or take fewer retrain.epochs (now ${epochs}), and ${rehearse}.`,
      command: null,
      because: `${roundsOf(forgot)} got better at the tasks and forgot more${lostText(forgot)} than the margin allows.`,
    },
  ];
}

/** The retention suites that rounds lost too much of, where they have names. */
function lostText(rounds: Facts["rounds"]): string {
  const lost = rounds.flatMap(({ decision }) =>
    decision ? retainedIn(decision).filter((each) => !isKept(each)) : [],
  );
  const names = [...new Set(lost.flatMap(({ name }) => name ?? []))];
  return names.length === 0 ? "" : ` of ${names.join(" and ")}`;
}

function notBetter({ rounds }: Facts, { retrain }: Recipe): Advice[] {
  const missed = rounds.filter(({ decision }) => decision && boundsOf(decision)?.better === false);
  const last = missed.at(-1)?.decision;
  if (!last?.gate) return [];
  const because = `${roundsOf(missed)} ${missed.length === 1 ? "was" : "were"} not shown to be better.`;
  const { look } = last;
  if ((look ? lookDifference(look) : last.gate.difference) <= 0) {
    const other = retrain.method === "memory" ? "retrain.tokens" : "retrain.learningRate";
    const text = `Give it more to learn from (tasks.train, generate.attempts) or another ${other}: the last such candidate was no better even by its plain score.`;
    return [{ text, command: null, because }];
  }
  const text = look
    ? `More gate tasks (tasks.gate, now ${look.horizon}) or more answers to each (gate.attempts, now ${look.attempts}): the last such look ended with a wealth of ${Number(look.wealth.toPrecision(3))}.`
    : `More gate tasks (tasks.gate). ${sensitivity(last)}`;
  return [{ text, command: null, because }];
}

function noCandidate({ rounds }: Facts, recipe: Recipe): Advice[] {
  const skipped = rounds.filter(({ decision }) => decision?.outcome === "skipped");
  const failedBy = (fault: string) =>
    skipped.filter(({ decision }) => decision?.reason.includes(`(${fault})`));
  const [nan, memory] = [failedBy("nan_loss"), failedBy("out_of_memory")];
  const few = skipped.filter(
    (round) =>
      !nan.includes(round) && !memory.includes(round) && round.decision?.reason !== nothingNew,
  );
  const advice: Advice[] = [];
  if (few.length > 0) {
    const { hint, exemplars } = recipe.teacher;
    const ways = [
      `more generate.attempts (now ${recipe.generate.attempts})`,
      ...(hint || recipe.teacher.labels === "majority" ? [] : ["teacher.hint: true"]),
      ...(recipe.teacher.labels === "majority" ? [] : [`teacher.exemplars (now ${exemplars})`]),
      "easier tasks among the training tasks",
    ];
    const solved = few.every(({ tasksSolved, tasksFixed }) => tasksSolved + tasksFixed === 0);
    const because = `${roundsOf(few)} had ${solved ? "no right answer" : "too few right answers"} to train on.`;
    advice.push({ text: `Help the teacher: ${ways.join(", ")}.`, command: null, because });
  }
  const { retrain } = recipe;
  if (retrain.method === "memory") return advice;
  if (nan.length > 0) {
    const text = `Lower retrain.learningRate (now ${retrain.learningRate}).`;
    const because = `In ${roundsOf(nan, "r")} the loss became no number.`;
    advice.push({ text, command: null, because });
  }
  if (memory.length > 0) {
    const text = `Lower retrain.tokensPerStep (now ${retrain.tokensPerStep}).`;
    const because = `In ${roundsOf(memory, "r")} training ran out of memory.`;
    advice.push({ text, command: null, because });
  }
  return advice;
}

function unreadable({ rounds }: Facts): Advice[] {
  const last = rounds.at(-1)?.attempts;
  const total = last ? last.ok + last.wrong + last.ungradable : 0;
  if (!last || total === 0 || last.ungradable / total < muchUngradable) return [];
  const because = `${percent(last.ungradable / total)} of the last round's attempts could not be graded.`;
  const text = "Say in the student prompt what form an answer has, or raise generate.maxTokens.";
  return [{ text, command: null, because }];
}

function own({ finished }: Facts): Advice[] {
  if (!finished) return [];
  const because = "It writes a recipe with every key, its default and what it means.";
  return [{ text: "Set up a run of your own", command: "redistill init", because }];
}

function roundsOf(rounds: readonly { readonly round: number }[], letter = "R"): string {
  const numbers = rounds.map(({ round }) => round);
  if (numbers.length === 1) return `${letter}ound ${numbers[0]}`;
  if (numbers.length > 5) return `${numbers.length} rounds`;
  return `${letter}ounds ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
