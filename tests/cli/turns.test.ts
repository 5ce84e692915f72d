import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Turns } from "../../src/cli/turns.js";

const { signal: never } = new AbortController();

/** Work that ends when it is told to, and what is at it. */
function worker() {
  const atWork: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () => {
    atWork.push(name);
    return new Promise<string>((resolve, reject) => {
      const end = (how: () => void) => () => {
        atWork.splice(atWork.indexOf(name), 1);
        how();
      };
      ends.set(
        name,
        end(() => resolve(name)),
      );
      ends.set(
        `${name} fails`,
        end(() => reject(new Error(name))),
      );
    });
  };
  return { atWork, work, end: (name: string) => ends.get(name)!() };
}

describe("turns", () => {
  it("are taken one after the other, whatever came of the one before, each key by itself", async () => {
    const { atWork, work, end } = worker();
    const turns = new Turns();
    const first = turns.take("one", never, work("a"));
    const second = turns.take("one", never, work("b"));
    const other = turns.take("other", never, work("c"));
    await turn();
    expect(atWork).toEqual(["a", "c"]);
    end("a fails");
    await expect(first).rejects.toThrow("a");
    await turn();
    expect(atWork).toEqual(["c", "b"]);
    end("b");
    end("c");
    expect([await second, await other]).toEqual(["b", "c"]);
  });

  it("are given up with the reason, and let nobody pass", async () => {
    const { atWork, work, end } = worker();
    const turns = new Turns();
    const first = turns.take("one", never, work("a"));
    const stop = new AbortController();
    const second = turns.take("one", stop.signal, work("b"));
    const third = turns.take("one", never, work("c"));
    stop.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await turn();
    expect(atWork).toEqual(["a"]);
    end("a");
    await first;
    await turn();
    expect(atWork).toEqual(["c"]);
    end("c");
    expect(await third).toBe("c");
  });
});
