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

  of(request: CallRequest): Amounts {
    const known = this.known.get(request);
    if (known) return known;
    const { messages, sampling } = request;
    const prompt = this.countsTokens ? this.tokensOf(messages) : 0;
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

  /** Samples of one question share their messages: they are counted once. */
  private tokensOf(messages: readonly Message[]): number {
    const known = this.promptTokens.get(messages);
    if (known !== undefined) return known;
    const count = this.model.countTokens(this.model.render(messages));
    this.promptTokens.set(messages, count);
    return count;
  }
}
