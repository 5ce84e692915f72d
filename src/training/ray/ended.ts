import { PausedError, RedistillError } from "../../core/errors.js";
import { failed } from "../event.js";
import { TrainerFailure } from "../failure.js";
import type { Outcome } from "./follow.js";
import { lastLine } from "./jobs-api.js";

type Ended = Extract<Outcome, { kind: "ended" }>;

/** Ray's words for a job whose node or supervisor went away under it (Ray's JobErrorType). */
const lost = new Set([
  "JOB_SUPERVISOR_ACTOR_DIED",
  "JOB_SUPERVISOR_ACTOR_START_FAILURE",
  "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE",
]);
/** No node had what the job reserves for as long as Ray waits (15 minutes unless configured). */
const noRoom = new Set([
  "JOB_SUPERVISOR_ACTOR_START_TIMEOUT",
  "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE",
]);
const notStarted = new Set(["RUNTIME_ENV_SETUP_FAILURE", "JOB_ENTRYPOINT_COMMAND_START_ERROR"]);

/** Whether a job says that its adapter is there. */
export function wasDone({ job, closed }: Ended): boolean {
  return job.status === "SUCCEEDED" || closed?.event === "done";
}

/** Whether a job ended for a reason of the cluster's, so that it is worth submitting again. */
export function wasLost({ job, closed }: Ended): boolean {
  return job.status === "FAILED" && closed === null && lost.has(job.error_type ?? "");
}

/** The error that a job which ended without its adapter stands for. */
export function errorOf(id: string, { job, closed, tail }: Ended): RedistillError {
  if (closed?.event === "error") return failed(closed);
  const kind = job.error_type ?? "";
  const reason = lastLine(job.message ?? "");
  if (job.status === "STOPPED") {
    return new PausedError(
      "server",
      `The training ${id} was stopped on the Ray cluster.`,
      "`redistill resume` submits it again; it goes on from its checkpoint.",
    );
  }
  if (noRoom.has(kind)) {
    return new PausedError(
      "server",
      `The Ray cluster had no room for the training ${id}: ${reason}`,
      "Wait for free nodes or lower trainer.resources, then `redistill resume`.",
    );
  }
  if (notStarted.has(kind)) {
    return new RedistillError(
      "setup",
      `The Ray cluster cannot start the training ${id}: ${reason}`,
      "Its head's log says more; check that the nodes are set up alike.",
    );
  }
  const said =
    tail.length > 0 ? ` Its last lines:\n${tail.map((line) => `  ${line}`).join("\n")}` : "";
  return new TrainerFailure(
    "crashed",
    `The training ${id} ended on the Ray cluster without an adapter (${kind || job.status}).${said}`,
    "Every node must see trainer.sharedFolder under this path, and have trainer.python with the packages of trainer/requirements.lock.",
  );
}
