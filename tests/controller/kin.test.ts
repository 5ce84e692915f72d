import { describe, expect, it } from "vitest";
import { withKin } from "../../src/controller/observe/kin.js";
import type { Task } from "../../src/core/entities.js";
import type { TaskSeen } from "../../src/core/policy.js";
import { observationWith } from "../policy/support.js";
import { sums } from "../stages/support.js";

const task = (id: string, prompt: string): Task => ({ ...sums(1)[0]!, id, prompt });
const tries = [{ round: 1, right: 1, attempts: 4 }];

/** Prompts by id; what is said of each in `seen` was tried, with its cluster or none. */
function nearOf(prompts: Record<string, string>, seen: Record<string, string | null>) {
  const tasks = Object.keys(prompts).map(
    (id): TaskSeen => ({
      id,
      cluster: seen[id] ?? null,
      tries: id in seen ? tries : [],
    }),
  );
  const train = Object.entries(prompts).map(([id, prompt]) => task(id, prompt));
  const found = withKin(observationWith({ tasks }), train);
  const back = withKin(observationWith({ tasks: [...tasks].reverse() }), [...train].reverse());
  const near = (all: readonly TaskSeen[]) =>
    Object.fromEntries(all.map((each) => [each.id, each.near]));
  // The order in which tasks stand does not matter.
  expect(near(back.tasks)).toEqual(near(found.tasks));
  return near(found.tasks);
}

const trains = (n: number) =>
  `A train leaves at ${n} and drives for ${n + 2} hours. When does it arrive?`;
const apples = (n: number) => `Ann buys ${n} apples for ${n + 1} euros each. What does she pay?`;
const words = (n: number) => `Spell the word number ${n} of the list backwards.`;

describe("an untried task", () => {
  const prompts = {
    t1: trains(3),
    t2: trains(4),
    a1: apples(5),
    a2: apples(6),
    w1: words(7),
    newTrain: trains(40),
    newApples: apples(50),
    newWord: words(60),
    other: "Name a river in Asia!",
  };
  const seen = { t1: "time", t2: "time", a1: "money", a2: "money", w1: null };

  it("is near the cluster of the tasks that are written like it", () => {
    expect(nearOf(prompts, seen)).toMatchObject({ newTrain: "time", newApples: "money" });
  });

  it("is near those that never failed where it is written like them, and near nothing where it is like none", () => {
    const near = nearOf(prompts, seen);
    expect(near.newWord).toBeNull();
    expect(near.other).toBeUndefined();
  });

  it("alone is told: tasks that were tried have a cluster of their own, or none", () => {
    const near = nearOf(prompts, seen);
    expect(Object.keys(seen).map((id) => near[id])).toEqual(new Array(5).fill(undefined));
  });

  it("is near nothing where all tasks are of one template, or nothing has failed", () => {
    const alike = Object.fromEntries([1, 2, 3, 4].map((n) => [`p${n}`, trains(n)]));
    expect(nearOf(alike, { p1: "time", p2: null }).p3).toBeUndefined();
    const nothing = nearOf(prompts, { t1: null, a1: null });
    expect(Object.values(nothing).every((each) => each === undefined)).toBe(true);
  });

  it("goes with more of its neighbours, not with the first", () => {
    const many = { t1: trains(1), t2: trains(2), t3: trains(3), a1: apples(4), u: trains(9) };
    expect(nearOf(many, { t1: "rare", t2: "time", t3: "time", a1: "money" }).u).toBe("time");
  });
});
