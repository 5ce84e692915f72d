import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Arrivals } from "../../src/controller/arrivals.js";

describe("answers that arrive", () => {
  it("are kept together where they come in one turn of the event loop, and wait for no other", async () => {
    const kept: string[][] = [];
    const arrivals = new Arrivals<string>((items) => kept.push([...items]));
    for (const item of ["a", "b", "c"]) arrivals.add(item);
    expect(kept).toEqual([]);
    await turn();
    arrivals.add("d");
    await turn();
    expect(kept).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("are kept at once when nothing else is to come", async () => {
    const kept: string[][] = [];
    const arrivals = new Arrivals<string>((items) => kept.push([...items]));
    arrivals.add("a");
    arrivals.flush();
    expect(kept).toEqual([["a"]]);
    await turn();
    expect(kept).toEqual([["a"]]);
  });

  it("stop the asking when they cannot be kept, and say why at the end", async () => {
    const full = new Error("the disk is full");
    let tries = 0;
    const arrivals = new Arrivals<string>(() => {
      tries++;
      throw full;
    });
    arrivals.add("a");
    await turn();
    expect(arrivals.failed.aborted).toBe(true);
    arrivals.add("b");
    await turn();
    expect(() => arrivals.flush()).toThrow(full);
    expect(tries).toBe(1);
  });
});
