import { setTimeout as sleep } from "node:timers/promises";
import { PausedError, RedistillError } from "../../core/errors.js";
import type { RaySettings } from "../../core/trainer.js";
import type { WorkerEvent } from "../event.js";
import { interrupted, TrainerFailure } from "../failure.js";
import type { RequestOptions, TrainerWorker } from "../worker.js";
import { type Patience, patiently } from "./away.js";
import { errorOf, wasDone, wasLost } from "./ended.js";
import { follow, hasEnded, type Outcome } from "./follow.js";
import type { RayJobs } from "./jobs-api.js";
import { replyByFile } from "./replies.js";
import { type SharedJob, shareJob } from "./shared-folder.js";

export interface RayRunnerOptions {
  readonly jobs: RayJobs;
  readonly settings: Pick<RaySettings, "sharedFolder" | "python" | "resources">;
  /** The folder that holds the package `redistill_trainer`. */
  readonly trainerDirectory: string;
  /** What people may want to know meanwhile. */
  onNote(text: string): void;
  /** Times in milliseconds; others than these in tests only. */
  readonly pollMs?: number;
  readonly silenceMs?: number;
  readonly patienceMs?: number;
  readonly firstDelayMs?: number;
  readonly stopMs?: number;
}

/** Submissions of one training that may be lost with their node or their head. */
const mostLosses = 3;
/** A result may show itself in a network's file system some seconds after the event that tells of it. */
const resultPolls = 10;
const stopSeconds = 30;

/**
 * Runs trainings as jobs of a Ray cluster, in place of the local worker. A job is named by its hash
 * and a number: one that runs already is followed, one that was lost with its node or its head is
 * submitted again and goes on from the checkpoint in the shared folder.
 *
 * @example
 * const worker = createRayRunner({ jobs, settings, trainerDirectory, onNote: console.log });
 * const train = createTrainer({ worker, model, directory: "memory/adapters" });
 */
export function createRayRunner(options: RayRunnerOptions): Pick<TrainerWorker, "request"> {
  // Weights and package are the same for jobs that are submitted together: two would write one file.
  let sharing: Promise<unknown> = Promise.resolve();
  return {
    async request(operation, fields, request = {}) {
      const path = (fields as { job?: unknown }).job;
      if (operation !== "train" || typeof path !== "string") {
        throw new RedistillError("internal", `A Ray cluster is asked to ${operation}.`, "");
      }
      const { sharedFolder } = options.settings;
      const shared = sharing.then(() => shareJob(path, sharedFolder, options.trainerDirectory));
      sharing = shared.catch(() => {});
      return new Training(await shared, options, request).run();
    },
  };
}

class Training {
  private readonly patience: Patience;
  private readonly signal: AbortSignal;

  constructor(
    private readonly shared: SharedJob,
    private readonly options: RayRunnerOptions,
    private readonly request: RequestOptions,
  ) {
    const { patienceMs = 600_000, firstDelayMs = 1_000, onNote } = options;
    this.signal = request.signal ?? new AbortController().signal;
    this.patience = { patienceMs, firstDelayMs, onNote, signal: this.signal };
  }

  async run(): Promise<WorkerEvent> {
    try {
      return await this.through();
    } catch (error) {
      throw this.signal.aborted ? interrupted("The training") : error;
    }
  }

  private async through(): Promise<WorkerEvent> {
    for (let losses = 0; ; ) {
      const manifest = await this.shared.takeBack();
      if (manifest !== null) return manifest;
      const id = await this.underWay();
      const outcome = await this.following(id);
      if (outcome.kind === "ended") {
        if (wasDone(outcome)) return this.result(id);
        if (!wasLost(outcome)) throw errorOf(id, outcome);
      }
      if (++losses > mostLosses) throw givenUp(id);
      this.options.onNote(`The training ${id} was lost on the Ray cluster; it is submitted again.`);
    }
  }

  /** The id of the running job; of a new one where there is none or the last one has ended. */
  private async underWay(): Promise<string> {
    const { jobs, settings, onNote } = this.options;
    for (let number = 1; ; number++) {
      const id = `redistill-${this.shared.name}-${number}`;
      const job = await patiently(() => jobs.find(id, this.signal), this.patience);
      if (job !== null && hasEnded(job)) continue;
      if (job === null) {
        const submitted = submission(id, this.shared, settings);
        await patiently(() => jobs.submit(submitted, this.signal), this.patience);
      }
      onNote(`The training is the Ray job ${id}${job === null ? "" : ", which is under way"}.`);
      return id;
    }
  }

  private async following(id: string): Promise<Outcome> {
    const { jobs, pollMs = 2_000, silenceMs = 120_000 } = this.options;
    const { onProgress, onAsk } = this.request;
    const asked = new AbortController();
    const patience = { ...this.patience, signal: AbortSignal.any([this.signal, asked.signal]) };
    const onEvent = (event: WorkerEvent) => {
      if (event.event === "progress") onProgress?.(event);
      if (event.event !== "ask" || onAsk === undefined) return;
      replyByFile(event, this.shared.folder, onAsk).catch((error) => asked.abort(error));
    };
    const silentPolls = Math.ceil(silenceMs / pollMs);
    try {
      const outcome = await follow(id, { jobs, patience, pollMs, silentPolls, onEvent });
      if (outcome.kind === "silent") throw silent(id, silenceMs);
      return outcome;
    } catch (caught) {
      // An answer that could not be given ends the training, as an interruption does.
      const error = asked.signal.aborted ? asked.signal.reason : caught;
      if (!(error instanceof PausedError && error.reason === "server")) await this.stop(id);
      throw error;
    }
  }

  private async result(id: string): Promise<WorkerEvent> {
    for (let poll = 0; poll < resultPolls; poll++) {
      const manifest = await this.shared.takeBack();
      if (manifest !== null) return manifest;
      await sleep(this.options.pollMs ?? 2_000, undefined, { signal: this.signal });
    }
    throw new TrainerFailure(
      "wrong_adapter",
      `The Ray job ${id} succeeded, and there is no whole adapter in ${this.shared.folder}.`,
      "Check that trainer.sharedFolder is one and the same folder here and on every node.",
    );
  }

  /** Stops a job and waits until it has, so that its checkpoint is whole; a head that is away is left. */
  private async stop(id: string): Promise<void> {
    const { jobs, pollMs = 2_000, stopMs = (stopSeconds + 10) * 1_000, onNote } = this.options;
    const signal = AbortSignal.timeout(stopMs);
    try {
      await jobs.stop(id, signal);
      for (;;) {
        const job = await jobs.find(id, signal);
        if (job === null || hasEnded(job)) return;
        await sleep(pollMs, undefined, { signal });
      }
    } catch {
      onNote(`The Ray job ${id} could not be stopped; it may go on, and is found again on resume.`);
    }
  }
}

function submission(id: string, shared: SharedJob, settings: RayRunnerOptions["settings"]) {
  const { python, resources } = settings;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return {
    id,
    // In place of the shell, so that a signal reaches the trainer itself.
    entrypoint: `exec ${quoted(python)} -m redistill_trainer.once ${quoted(shared.jobPath)}`,
    environment: {
      PYTHONPATH: shared.packages,
      ...{ PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1", PYTHONUTF8: "1" },
      ...{ TOKENIZERS_PARALLELISM: "false", HF_HUB_OFFLINE: "1" },
      // Sums depend on it in their last bits: nodes with more cores give the same ones.
      OMP_NUM_THREADS: String(Math.max(1, Math.floor(resources.cpus))),
      // A step and its checkpoint take longer than the 3 s that Ray leaves a stopped job.
      RAY_JOB_STOP_WAIT_TIME_S: String(stopSeconds),
    },
    metadata: { redistill_job: shared.name },
    ...resources,
  };
}

function silent(id: string, milliseconds: number): TrainerFailure {
  return new TrainerFailure(
    "silent",
    `The Ray job ${id} gave no sign of life for ${Math.round(milliseconds / 1000)} s and was stopped.`,
    "Its node may be overloaded or cut off; the run tries once more from the checkpoint.",
  );
}

function givenUp(id: string): TrainerFailure {
  return new TrainerFailure(
    "crashed",
    `The training was lost on the Ray cluster ${mostLosses + 1} times, last as ${id}.`,
    "See why the cluster loses its nodes, then go on with `redistill resume`: the checkpoint is kept.",
  );
}
