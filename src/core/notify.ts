import { z } from "zod";
import { stableId } from "./hash.js";
import { secretSourceSchema } from "./secrets.js";

/** What a run can tell of while nobody watches. */
export const notifyEvents = ["promoted", "rejected", "paused", "failed", "finished"] as const;
export type NotifyEvent = (typeof notifyEvents)[number];

const openAddress = z
  .string()
  .max(2048)
  .superRefine((text, context) => {
    const problem = addressProblem(text);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });

const shared = {
  /** An address that is a secret itself comes from the environment or a file. */
  url: z.union([openAddress, secretSourceSchema], {
    error: "an address, or where one is kept: { env: NAME } or { file: path }",
  }),
  events: z
    .array(z.enum(notifyEvents))
    .min(1)
    .default([...notifyEvents]),
  /** Sent as `Authorization: Bearer …`. */
  token: secretSourceSchema.nullable().default(null),
};

/** The recipe's `notify`: where a run tells what became of it. */
export const notifySchema = z
  .array(
    z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("webhook"), ...shared }),
      z.strictObject({
        kind: z.literal("ntfy"),
        ...shared,
        /** What a tap on the notification opens. */
        click: openAddress.nullable().default(null),
      }),
    ]),
  )
  .max(8)
  .default([]);

export type ChannelSettings = z.infer<typeof notifySchema>[number];

/** A notification as it waits in the outbox. */
export interface Notice {
  /** The same at every attempt: a receiver knows a repetition by it. */
  readonly id: string;
  readonly run: string;
  readonly round: number | null;
  readonly event: NotifyEvent | "test";
  readonly title: string;
  readonly text: string;
  /** When it happened; ISO 8601. */
  readonly at: string;
}

/** Names a channel by where it leads, whatever it is asked to tell. */
export function channelKey({ kind, url, token }: ChannelSettings): string {
  return stableId("channel", kind, JSON.stringify(url), JSON.stringify(token));
}

/** Why a text is no address to send to; null if it is one. Never quotes the text. */
function addressProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol))
    return "not an http or https address";
  if (url.username !== "" || url.password !== "")
    return "an address with user and password: take them out and use token, or { env: NAME } or { file: path }";
  if (url.search !== "")
    return "an address with a query, which may hold a secret: give the whole address by { env: NAME } or { file: path }";
  return null;
}
