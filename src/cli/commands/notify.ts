import { systemClock } from "../../core/clock.js";
import { RedistillError } from "../../core/errors.js";
import type { Notice } from "../../core/notify.js";
import { createPost } from "../../notify/post.js";
import { loadRecipe } from "../../recipes/load.js";
import { openChannels } from "../notifying.js";
import type { Output } from "../output.js";

/** `redistill notify test <recipe>`: one message to each channel of a recipe, and what came of it. */
export async function notifyTestCommand(
  recipePath: string,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<void> {
  const recipe = loadRecipe(recipePath);
  const channels = openChannels(recipe.notify, (text) => output.note(text));
  if (channels.length === 0) {
    throw new RedistillError(
      "usage",
      `${recipePath} notifies nobody: it has no notify`,
      "`redistill init` writes a recipe that shows how.",
    );
  }
  const { post, close } = createPost(systemClock);
  const at = systemClock.now().toISOString();
  const results = await Promise.all(
    channels.map(async (channel, index) => {
      const notice: Notice = {
        id: `test-${Date.parse(at)}-${index}`,
        run: recipe.name,
        round: null,
        event: "test",
        title: `${recipe.name} test`,
        text: `A test from redistill: runs of ${recipe.name} will tell you here about ${recipe.notify[index]!.events.join(", ")}.`,
        at,
      };
      return { channel: channel.name, ...(await post(channel, notice, signal)) };
    }),
  ).finally(close);
  output.result({ kind: "notify-test", results });
  for (const result of results) {
    const what = result.kind === "delivered" ? `delivered (HTTP ${result.status})` : result.problem;
    output.line(`${result.channel}: ${what}`);
  }
  const failed = results.filter(({ kind }) => kind !== "delivered").length;
  if (failed === 0) return;
  throw new RedistillError(
    "setup",
    `${failed} of ${results.length} test messages did not arrive`,
    "Check address and token, and whether this machine reaches the host; then run the command again.",
  );
}
