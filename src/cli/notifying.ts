import { systemClock } from "../core/clock.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { type ChannelSettings, channelKey } from "../core/notify.js";
import { registerSecret } from "../core/secrets.js";
import { readSecret } from "../files/read-secret.js";
import type { Channel } from "../notify/channel.js";
import { createPost } from "../notify/post.js";
import { Sender } from "../notify/sender.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** How long a command that ends waits for its last notifications, in milliseconds. */
const patience = 5_000;

type Note = (text: string) => void;

/**
 * The recipe's channels with their secrets, in its order.
 *
 * @throws RedistillError `usage` when a secret is missing or its file is open to others.
 */
export function openChannels(settings: readonly ChannelSettings[], note: Note): Channel[] {
  return settings.map((channel, index) => openChannel(channel, index, note));
}

function openChannel(settings: ChannelSettings, index: number, note: Note): Channel {
  const at = `notify.${index}`;
  const { kind } = settings;
  const url =
    typeof settings.url === "string"
      ? new URL(settings.url)
      : secretAddress(readSecret(settings.url, `${at}.url`, note), `${at}.url`);
  const token = settings.token && readSecret(settings.token, `${at}.token`, note);
  const click = settings.kind === "ntfy" ? settings.click : null;
  return { name: `${kind} at ${url.host}`, kind, url, token, click };
}

function secretAddress(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "") {
    throw new RedistillError(
      "usage",
      `${what}: what is kept there is not an http or https address without user and password`,
      "Keep the whole address there; a token goes to the channel's `token`.",
    );
  }
  registerSecret(url.href);
  registerSecret(`${url.pathname}${url.search}`);
  return url;
}

/**
 * Sends a run's notifications while something works on it, and for a few seconds after. Whatever is
 * wrong with them is a note; the work is not held up.
 */
export async function withNotifications<T>(
  store: Store,
  run: RunRow,
  note: Note,
  work: () => Promise<T>,
): Promise<T> {
  const settings = run.recipe.notify;
  if (settings.length === 0 && store.outbox.waiting(run.id).length === 0) return work();
  const channels = new Map(
    settings.map((channel, index) => [channelKey(channel), tryOpen(channel, index, note)]),
  );
  const { post, close } = createPost(systemClock);
  const outbox = {
    waiting: () => store.outbox.waiting(run.id),
    sent: (id: string) => store.transaction(() => store.outbox.sent(id)),
    failed: (id: string, problem: string, at: Date) =>
      store.transaction(() => store.outbox.failed(id, problem, at)),
    giveUp: (id: string, problem: string) =>
      store.transaction(() => store.outbox.giveUp(id, problem)),
  };
  const { seed } = run.recipe;
  const sender = new Sender({ outbox, channels, post, clock: systemClock, seed, note });
  sender.start();
  try {
    return await work();
  } finally {
    await sender.finish(patience);
    await close();
    const left = store.outbox.waiting(run.id).length;
    if (left > 0) {
      note(
        `${left} notification${left === 1 ? "" : "s"} not delivered; redistill resume ${run.id} tries again.`,
      );
    }
  }
}

/** A run that was begun goes on without a channel whose secret is missing now. */
function tryOpen(settings: ChannelSettings, index: number, note: Note): Channel | null {
  try {
    return openChannel(settings, index, note);
  } catch (error) {
    note(`${messageOf(error)}; its notifications wait.`);
    return null;
  }
}
