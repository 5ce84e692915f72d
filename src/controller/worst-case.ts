import { type Amounts, nothing } from "../core/budget.js";
import type { CallRequest, Message } from "../core/entities.js";
import { costOf, type Price } from "../core/money.js";
import type { ChatModel } from "../core/ports.js";

/** The most that requests can cost: the whole prompt, and an answer as long as is allowed. */
export class WorstCase {
  private readonly known = new WeakMap<CallRequest, Amounts>();
  private readonly promptTokens = new WeakMap<readonly Message[], number>();

  /** @param countsTokens False where no limit depends on them: counting takes time. */
  constructor(
    private readonly model: Pick<ChatModel, "render" | "countTokens">,
    private readonly price: Price | null,
    private readonly countsTokens: boolean,
  ) {}

  /** Counts the prompts of requests, all at once; to be awaited before `of` is asked for them. */
  async prepare(requests: readonly CallRequest[]): Promise<void> {
    if (!this.countsTokens) return;
    // Samples of one question share their messages: they are counted once.
    const asked = new Set(requests.map(({ messages }) => messages));
    const unknown = [...asked].filter((messages) => !this.promptTokens.has(messages));
    if (unknown.length === 0) return;
    const counts = await this.model.countTokens(unknown.map((each) => this.model.render(each)));
    for (const [index, messages] of unknown.entries()) {
      this.promptTokens.set(messages, counts[index] as number);
    }
  }

  of(request: CallRequest): Amounts {
    const known = this.known.get(request);
    if (known) return known;
    const { messages, sampling } = request;
    const prompt = this.countsTokens ? (this.promptTokens.get(messages) as number) : 0;
    const text = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    const worst = {
      ...nothing,
      tokens: BigInt(prompt + sampling.maxTokens),
      calls: 1n,
      money: this.price === null ? 0n : costOf(this.price, prompt, sampling.maxTokens),
      // Its row and those that will quote it; a token is seldom more than 16 bytes.
      diskMegabytes: BigInt(2 * text + 32 * sampling.maxTokens + 2_048),
    };
    this.known.set(request, worst);
    return worst;
  }
}
