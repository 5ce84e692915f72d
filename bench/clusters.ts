// How long a round's failures take to be grouped, and how far the groups are the planted mistakes.
import { clusterRound, tellingBy } from "../src/clusters/index.js";
import type { ClusterRows, KnownCluster } from "../src/core/cluster.js";
import { interleaved, plainBenchmark, printTable, spread } from "./support/benchmark.js";
import { adjustedRandIndex, type Planted, plantedFailures } from "./support/planted-failures.js";

await plainBenchmark(
  {
    name: "clusters",
    defaults: { repetitions: 3, size: 20_000 },
    unit: "failures in a round",
  },
  async (surroundings) => {
    const first = plantedFailures(surroundings.size, 1, 0.05);
    const second = plantedFailures(surroundings.size, 2, 0.05);
    // Clusters of round 1 whether or not it is measured: round 2 begins with them.
    const known = knownAfter(first, grouped(first, []));
    const rounds = ["the first, nothing known", "the second"];
    const measured = await interleaved(rounds, surroundings, async (round) => {
      const isFirst = round === rounds[0];
      const started = performance.now();
      const rows = isFirst ? grouped(first, []) : grouped(second, known);
      const seconds = (performance.now() - started) / 1000;
      return { seconds, rows, planted: isFirst ? first : second };
    });
    printTable(
      ["round", "seconds", "new clusters", "adjusted Rand index"],
      measured.map(({ item, results }) => [
        item,
        spread(
          results.map(({ seconds }) => seconds),
          2,
        ),
        String(results[0]!.rows.born.length),
        agreement(results[0]!.rows, results[0]!.planted).toFixed(3),
      ]),
    );
  },
);

function grouped(planted: Planted, known: readonly KnownCluster[]): ClusterRows {
  const { failures, prompts } = planted;
  const byTask = new Map(failures.map(({ taskId, prompt }) => [taskId, prompt]));
  const round = known.length === 0 ? 1 : 2;
  return clusterRound({
    ...{ round, failures, known, attempts: 2 * failures.length, telling: tellingBy(prompts) },
    promptOf: (taskId) => byTask.get(taskId) ?? prompts[0]!,
  });
}

function knownAfter({ failures }: Planted, { born, sizes }: ClusterRows): KnownCluster[] {
  const byId = new Map(failures.map((failure) => [failure.id, failure]));
  return born.map((cluster) => {
    const lead = cluster.leader === null ? null : byId.get(cluster.leader)!;
    return { ...cluster, lead, sizes: sizes.filter(({ clusterId }) => clusterId === cluster.id) };
  });
}

function agreement({ members }: ClusterRows, { truth }: Planted): number {
  return adjustedRandIndex(
    truth,
    new Map(members.map(({ attemptId, clusterId }) => [attemptId, clusterId])),
  );
}
