import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TrainingJob } from "../../src/core/ports.js";
import { scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

/** The jobs of a run of three rounds, with what the run recorded of each round. */
async function rounds(settings: { from: "base" | "incumbent"; carryOver: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), "redistill-chain-"));
  const recipe = sumsRecipe(folder, {
    rounds: 3,
    retrain: { from: settings.from },
    curate: { minimum: 2, carryOver: settings.carryOver },
  });
  const jobs: TrainingJob[] = [];
  const { train } = scriptedTrain(folder);
  const run = await scriptedRun(folder, recipe, {
    train: (job, options) => {
      jobs.push(job);
      return train(job, options);
    },
  });
  await run.work();
  const rows = run.store.rounds.all("sums-1");
  const learned = rows.map(({ number }) => run.store.rounds.examples.of("sums-1", number));
  const parents = rows.map(({ candidate }) => run.store.adapters.find(candidate!)!.parent);
  const incumbents = rows.map(({ incumbent }) => incumbent);
  run.store.close();
  return { jobs, learned, parents, incumbents };
}

const roundsOf = (examples: readonly { originRound: number }[]) =>
  [...new Set(examples.map(({ originRound }) => originRound))].sort();

describe("over several rounds", () => {
  it("a candidate goes on from the incumbent of its round, and learns new examples alone", async () => {
    const { jobs, learned, parents, incumbents } = await rounds({
      from: "incumbent",
      carryOver: false,
    });
    // The script learns: there is a chain to speak of.
    expect(incumbents[0]).toBeNull();
    expect(incumbents[1]).not.toBeNull();
    expect(jobs.map(({ parent }) => parent?.sha256 ?? null)).toEqual(incumbents);
    expect(parents).toEqual(incumbents);
    expect(learned.map(roundsOf)).toEqual([[1], [2], [3]]);
    expect(jobs.map(({ examples }) => examples.length)).toEqual(
      learned.map(({ length }) => length),
    );
  });

  it("a candidate starts from the base again, and learns all that was gathered", async () => {
    const { jobs, learned, parents, incumbents } = await rounds({ from: "base", carryOver: true });
    expect(incumbents[1]).not.toBeNull();
    expect(jobs.map(({ parent }) => parent)).toEqual([null, null, null]);
    expect(parents).toEqual([null, null, null]);
    expect(learned.map(roundsOf)).toEqual([[1], [1, 2], [1, 2, 3]]);
    expect(jobs.map(({ examples }) => examples.length)).toEqual(
      learned.map(({ length }) => length),
    );
  });
});
