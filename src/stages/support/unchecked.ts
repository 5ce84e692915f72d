import type { Attempt, Task } from "../../core/entities.js";
import type { ExaminationKind } from "../../core/examination.js";
import { stableId } from "../../core/hash.js";

/** What stands for the verifier's finding: whoever is told it need not find anything. */
const unchecked = "(nobody has checked this answer)";

/** An answer as critic and refiner are shown attempts, without what the verifier knows. */
export function uncheckedAttempt(examined: {
  readonly task: Task;
  readonly kind: ExaminationKind;
  readonly answer: string;
}): Attempt {
  const { task, kind, answer } = examined;
  return {
    id: stableId("examined", task.id, kind, answer),
    taskId: task.id,
    index: 0,
    callKey: "",
    answer,
    truncated: false,
    verdict: { outcome: "ungradable", score: null, verifier: "none", finding: unchecked },
  };
}
