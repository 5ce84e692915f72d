import type { Store } from "../store/store.js";
import { plural } from "./figures.js";
import type { ClusterReport, RunReport } from "./report.js";
import type { Item, Style } from "./sections.js";

/** Groups that are shown at most, and rounds of each: the latest. */
const mostShown = 12;
const mostRounds = 12;

/** A run's clusters, those with the most failures in their latest rounds first; empty without any. */
export function readClusters(store: Store, runId: string): ClusterReport[] {
  const examples = new Map(store.clusters.examples(runId).map((each) => [each.clusterId, each]));
  const latest = (cluster: ClusterReport) => cluster.sizes.at(-1)?.failures ?? 0;
  const all = (cluster: ClusterReport) =>
    cluster.sizes.reduce((sum, { failures }) => sum + failures, 0);
  return store.clusters
    .before(runId, Number.MAX_SAFE_INTEGER)
    .map(({ id, name, outcome, reason, step, sizes }): ClusterReport => {
      const { task, answer, finding } = examples.get(id)!;
      return { id, name, outcome, reason, sizes, example: { task, answer, finding, step } };
    })
    .sort((a, b) => latest(b) - latest(a) || all(b) - all(a) || (a.id < b.id ? -1 : 1));
}

/** Each group with its state, its sizes by round and an example. */
export function clusterItems(
  { clusters = [] }: Pick<RunReport, "clusters">,
  style: Style,
  most = mostShown,
): Item[] {
  const shown = clusters.slice(0, most).map((cluster) => ({
    text: `${style.quote(cluster.name)}: ${stateOf(cluster)}; ${sizesText(cluster)}.`,
    details: exampleLines(cluster, style),
  }));
  const rest = clusters.length - shown.length;
  const more = `And ${plural(rest, "smaller group")}; \`redistill failures\` shows all.`;
  return rest === 0 ? shown : [...shown, { text: more, details: [] }];
}

/** The last state, and what kind of answers they are where they are not wrong. */
function stateOf({ sizes, outcome }: ClusterReport): string {
  const state = sizes.at(-1)?.state ?? "born";
  return outcome === "wrong" ? state : `${state}, ungradable`;
}

/** "▂█▁ 2, 9, 0 of 80, 80, 80 attempts in rounds 1 to 3". */
function sizesText({ sizes }: ClusterReport): string {
  const shown = sizes.slice(-mostRounds);
  const [first, last] = [shown[0]?.round, shown.at(-1)?.round];
  const counts = shown.map(({ failures }) => failures);
  const rounds = first === last ? `round ${first}` : `rounds ${first} to ${last}`;
  return `${bars(shown)} ${counts.join(", ")} of ${shown.map(({ attempts }) => attempts).join(", ")} attempts in ${rounds}`;
}

/** Failures per attempt as small bars, the highest full. */
function bars(sizes: ClusterReport["sizes"]): string {
  const rates = sizes.map(({ failures, attempts }) => failures / Math.max(1, attempts));
  const most = Math.max(...rates) || 1;
  return rates.map((rate) => "▁▂▃▄▅▆▇█"[Math.ceil((rate / most) * 7)]).join("");
}

function exampleLines({ example }: ClusterReport, style: Style): string[] {
  const { task, answer, finding, step } = example;
  return [
    `Task: ${style.quote(task)}`,
    `Answer: ${style.quote(answer)}${finding === "" ? "" : ` (${style.plain(finding)})`}`,
    ...(step === null ? [] : [`Critique: ${style.quote(step)}`]),
  ];
}

/** Failures of each group in each of the latest rounds. */
export function clusterTable(
  { clusters = [] }: Pick<RunReport, "clusters">,
  style: Style,
): { header: string[]; rows: string[][] } {
  const last = Math.max(0, ...clusters.map(({ sizes }) => sizes.at(-1)?.round ?? 0));
  const rounds = Array.from({ length: Math.min(mostRounds, last) }, (_, i) => i + 1).map(
    (round) => round + Math.max(0, last - mostRounds),
  );
  const rows = clusters.slice(0, mostShown).map((cluster) => {
    const sizes = new Map(cluster.sizes.map(({ round, failures }) => [round, String(failures)]));
    const counts = rounds.map((round) => sizes.get(round) ?? "–");
    return [style.quote(cluster.name), stateOf(cluster), ...counts];
  });
  return { header: ["group", "state", ...rounds.map((round) => `round ${round}`)], rows };
}
