import type { Notice } from "../core/notify.js";

/** A channel with its secrets in hand: held in memory only. */
export interface Channel {
  /** Safe to show: the kind and the host, without path, which may be a secret. */
  readonly name: string;
  readonly kind: "webhook" | "ntfy";
  readonly url: URL;
  readonly token: string | null;
  readonly click: string | null;
}

export interface Posting {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Priorities as in ntfy's documentation: 2 low, 3 default, 4 high; tags with these names are emoji. */
const looks: Record<Notice["event"], { priority: number; tag: string }> = {
  promoted: { priority: 3, tag: "white_check_mark" },
  rejected: { priority: 2, tag: "x" },
  paused: { priority: 4, tag: "pause_button" },
  failed: { priority: 4, tag: "rotating_light" },
  finished: { priority: 3, tag: "checkered_flag" },
  test: { priority: 3, tag: "wave" },
};

/** A notification in the form of its channel. The id goes with it each time it is sent. */
export function postingFor(channel: Channel, notice: Notice): Posting {
  const { id, run, round, event, title, text, at } = notice;
  const authorization: Record<string, string> =
    channel.token === null ? {} : { authorization: `Bearer ${channel.token}` };
  if (channel.kind === "webhook") {
    return {
      headers: { ...authorization, "content-type": "application/json", "idempotency-key": id },
      body: JSON.stringify({ id, event, run, round, title, text, at }),
    };
  }
  const { priority, tag } = looks[event];
  return {
    headers: {
      ...authorization,
      "content-type": "text/plain; charset=utf-8",
      title,
      priority: String(priority),
      tags: `${tag},redistill`,
      // Servers that know it show a repetition in place of the first one; others ignore it.
      "x-sequence-id": id,
      ...(channel.click === null ? {} : { click: channel.click }),
    },
    body: text,
  };
}
