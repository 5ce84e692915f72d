import { RedistillError } from "../../core/errors.js";
import { ollamaUrl } from "../../core/model.js";
import { candidateName } from "../../models/ollama/candidates.js";
import { publish, publishedDigest, unpublish } from "../../models/ollama/publish.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { verifiedAdapter } from "../adapters.js";
import { openTrainer } from "../machine.js";
import { mergeIn } from "../merge.js";
import { weightsBehind } from "../models.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, withStore } from "../reading.js";
import { adapterToExport, roundOf } from "./export.js";

export interface PublishFlags {
  readonly ollama: string;
  readonly url?: string;
  readonly adapter?: string;
  readonly remove?: boolean;
}

interface Shared {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** `redistill publish [run] --ollama <name>`: the incumbent as a model of an Ollama server. */
export async function publishCommand(
  runId: string | undefined,
  flags: PublishFlags,
  shared: Shared,
): Promise<void> {
  requireName(flags.ollama);
  await withStore(shared.workspace, async (store) => {
    const run = findRun(store, runId);
    await (flags.remove ? remove : add)(store, run, flags, shared);
  });
}

async function add(store: Store, run: RunRow, flags: PublishFlags, shared: Shared): Promise<void> {
  const { workspace, output, signal } = shared;
  const row = adapterToExport(store, run, flags.adapter);
  const round = roundOf(store, run, row);
  const name = `${flags.ollama}:round-${round}`;
  const url = flags.url ?? serverOf(run);
  const weights = await baseOf(run, output, signal);
  const adapter = await verifiedAdapter(row, workspace, signal);
  const worker = await openTrainer(workspace, output, signal);
  let digest = "";
  try {
    output.live(`merging adapter ${row.sha256.slice(0, 12)} into the weights`);
    await mergeIn(workspace.adapters, worker)(weights)(adapter, signal, async (file) => {
      output.live(`sending ${name} to Ollama`);
      digest = await publish({ url, name, file, base: baseAt(url, run) }, signal);
    });
  } finally {
    await worker.dispose();
  }
  output.close();
  output.result({ kind: "published", run: run.id, adapter: row.sha256, round, name, url, digest });
  output.line(`Published adapter ${row.sha256.slice(0, 12)} of ${run.id} as ${name}, at ${url}`);
  output.line(`\`ollama run ${name}\` chats with it; --remove takes it away again.`);
}

/** Takes away what `publish` made of a run, and what a killed process of the run left there. */
async function remove(store: Store, run: RunRow, flags: PublishFlags, shared: Shared) {
  const { output, signal } = shared;
  const url = flags.url ?? serverOf(run);
  const rounds = store.rounds.all(run.id).filter(({ candidate }) => candidate !== null);
  const names = rounds.map(({ number }) => `${flags.ollama}:round-${number}`);
  const base = baseAt(url, run);
  const digest = base === null ? null : await publishedDigest(url, base, signal);
  if (digest !== null) {
    for (const { candidate } of rounds) names.push(candidateName(digest, candidate!));
  }
  const removed = await unpublish(url, names, signal);
  output.result({ kind: "unpublished", run: run.id, url, removed });
  output.line(
    removed.length === 0
      ? `Nothing of ${run.id} is called ${flags.ollama} at ${url}.`
      : `Removed ${removed.join(", ")} from ${url}.`,
  );
}

function serverOf({ recipe: { model } }: RunRow): string {
  return model.provider === "ollama" ? model.url : ollamaUrl;
}

/** The run's own model, where it is one of this server. */
function baseAt(url: string, { recipe: { model } }: RunRow): string | null {
  return model.provider === "ollama" && model.url === url ? model.name : null;
}

async function baseOf(run: RunRow, output: Output, signal: AbortSignal) {
  const weights = await weightsBehind(run.recipe.model, output, signal);
  if (weights !== null && weights.sha256 === run.modelSha256) return weights;
  throw new RedistillError(
    "state",
    weights === null
      ? `the weights that run ${run.id} was trained on are not on this machine`
      : `${weights.path} is not what run ${run.id} was trained on: its sha256 is ${weights.sha256.slice(0, 12)}…`,
    "Put the former weights back: an adapter fits no others.",
  );
}

/** As Ollama takes it, without the tag that is added here. */
function requireName(name: string): void {
  if (/^(?:[a-z0-9][\w.-]*\/)*[a-z0-9][\w.-]{0,79}$/i.test(name)) return;
  throw new RedistillError(
    "usage",
    `--ollama ${JSON.stringify(name)} cannot be the name of a model`,
    "Letters, digits, dots, dashes and underscores; the tag (:round-1) is added to it.",
  );
}
