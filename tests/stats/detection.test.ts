import { describe, expect, it } from "vitest";
import type { Examined, Mended } from "../../src/core/examination.js";
import { detectionFigures } from "../../src/stats/index.js";

function item(
  id: string,
  kind: Examined["kind"],
  says: Examined["says"],
  confidence: number | null = null,
): Examined {
  return { id, taskId: id, kind, answer: "x", callKey: "c", text: "t", says, confidence };
}

function mendedTo(examinedId: string, outcome: "ok" | "wrong" | "ungradable"): Mended {
  const verdict = { outcome, score: null, verifier: "exact", finding: "" };
  return { examinedId, callKey: "c", answer: "y", verdict };
}

describe("critiques as detectors", () => {
  const examined = [
    item("r1", "right", "right", 0.9),
    item("r2", "right", "wrong", 0.6),
    item("w1", "wrong", "wrong", 0.8),
    item("w2", "wrong", "unsure", 0.5),
    item("p1", "planted", "wrong", 1),
    item("p2", "planted", "ungradable"),
    item("p3", "planted", "right", 0.7),
  ];
  const figures = detectionFigures(examined, [
    mendedTo("r1", "ok"),
    mendedTo("r2", "ungradable"),
    mendedTo("w1", "ok"),
    mendedTo("p1", "wrong"),
  ]);

  it("count what was called wrong against what is", () => {
    expect(figures).toMatchObject({
      examined: 7,
      precision: { count: 2, of: 3 },
      recall: { count: 2, of: 5 },
      recallPlanted: { count: 1, of: 3 },
      falseAlarms: { count: 1, of: 2 },
      unsure: 1,
      ungradable: 1,
    });
  });

  it("count a right answer that can no longer be read as broken, and only what was rewritten", () => {
    expect(figures.fixed).toEqual({ count: 1, of: 2 });
    expect(figures.broken).toEqual({ count: 1, of: 2 });
  });

  it("compare stated chances with what is: by hand", () => {
    // Chances of being wrong: 0.1, 0.6 (both right), 0.8, 0.5, 1, 0.3 (wrong).
    const squares = [0.1 ** 2, 0.6 ** 2, 0.2 ** 2, 0.5 ** 2, 0, 0.7 ** 2];
    expect(figures.brier).toBeCloseTo(squares.reduce((a, b) => a + b) / 6, 12);
    // All in bins of their own.
    expect(figures.calibrationError).toBeCloseTo((0.1 + 0.6 + 0.2 + 0.5 + 0 + 0.7) / 6, 12);
  });

  it("have nothing to say of a critique that is asked for no verdict", () => {
    const silent = detectionFigures([item("w", "wrong", null)], [mendedTo("w", "ok")]);
    expect(silent).toMatchObject({
      precision: { of: 0 },
      recall: { of: 0 },
      brier: null,
      calibrationError: null,
      fixed: { count: 1, of: 1 },
    });
  });
});
