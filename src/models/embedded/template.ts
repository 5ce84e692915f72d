import { Template } from "@huggingface/jinja";
import type { Message } from "../../core/entities.js";

/** What a model's file says of its chat template. */
export interface ChatTemplateSource {
  readonly text: string;
  readonly bos: string;
  readonly eos: string;
}

/** A model's own template: needs no weights, so that a prompt can be rendered beside the engine. */
export class ChatTemplate {
  private readonly template: Template;

  constructor(private readonly source: ChatTemplateSource) {
    this.template = new Template(source.text);
  }

  render(messages: readonly Message[]): string {
    return this.template.render({
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
      bos_token: this.source.bos,
      eos_token: this.source.eos,
    });
  }
}
