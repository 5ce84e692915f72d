import { redact } from "../../core/secrets.js";
import { parseEvent, type WorkerEvent } from "../event.js";
import { createLineSplitter } from "../lines.js";

/** How many of the last lines that are no events are kept for an error's message. */
const tailLines = 20;
const closing = new Set(["done", "cancelled", "error"]);

/**
 * A job's log as the cluster gives it: every time from its beginning, and with everything that the
 * job said beside its events. Each line counts once, however often it is read.
 */
export class JobLog {
  private handled = 0;
  private readonly said: string[] = [];
  /** The event that ends the training, once it came. */
  closed: WorkerEvent | null = null;
  /** What a listener threw. */
  failure: { readonly error: unknown } | null = null;

  constructor(private readonly onEvent: (event: WorkerEvent) => void) {}

  /** Lines read so far; more of them are a sign of life. */
  get lines(): number {
    return this.handled;
  }

  /** The last lines that were no events. */
  get tail(): readonly string[] {
    return this.said;
  }

  /** Takes a log's text from its beginning on, in any pieces. */
  reader(): (text: string) => void {
    let line = 0;
    const split = createLineSplitter(
      (text) => this.take(line++, text),
      () => {
        line++;
      },
    );
    return (text) => split(Buffer.from(text));
  }

  private take(index: number, text: string): void {
    if (index < this.handled) return;
    this.handled = index + 1;
    const event = eventIn(text);
    if (event === null) {
      this.said.push(redact(text).slice(0, 2_000));
      if (this.said.length > tailLines) this.said.shift();
    } else if (closing.has(String(event.event))) {
      this.closed = event;
    } else {
      try {
        this.onEvent(event);
      } catch (error) {
        this.failure ??= { error };
      }
    }
  }
}

/** A progress bar on stderr ends without a line break: an event may stand behind it on one line. */
function eventIn(line: string): WorkerEvent | null {
  const start = line.indexOf('{"event"');
  return start === -1 ? null : parseEvent(line.slice(start));
}
