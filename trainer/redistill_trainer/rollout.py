"""Answers sampled from the model while it is trained. The same seed and weights give the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redistill_trainer.packing import Sequence
from redistill_trainer.weights import Base


def roll_out(
    model: Any,
    base: Base,
    prompts: list[list[int]],
    copies: int,
    max_tokens: int,
    temperature: float,
    seed: int,
    require_going: Callable[[], None],
) -> list[Sequence]:
    """Sample `copies` answers to each prompt, side by side, from the whole distribution at a temperature.

    Prompts are padded on the left and read once, whatever the copies. An answer ends with the end of turn, unless it
    was cut off at `max_tokens`.

    Returns:
        Prompt and answer of each, the copies of a prompt one after the other.
    """
    import torch

    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    device, longest = causal.device, max(map(len, prompts))
    ids = torch.tensor([[base.end_of_turn] * (longest - len(prompt)) + prompt for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    generator = torch.Generator().manual_seed(seed)
    answers: list[list[int]] = [[] for _ in range(len(prompts) * copies)]
    with torch.no_grad():
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        out = causal(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache, logits = out.past_key_values, out.logits[:, -1].repeat_interleave(copies, 0)
        cache.batch_repeat_interleave(copies)
        mask, position = mask.repeat_interleave(copies, 0), positions[:, -1:].repeat_interleave(copies, 0)
        for _ in range(max_tokens):
            require_going()
            chosen = torch.multinomial((logits.float().cpu() / temperature).softmax(-1), 1, generator=generator)
            for answer, token in zip(answers, chosen[:, 0].tolist()):
                if not answer or answer[-1] != base.end_of_turn:
                    answer.append(token)
            if all(answer[-1] == base.end_of_turn for answer in answers):
                break
            mask, position = torch.cat([mask, mask.new_ones(len(mask), 1)], 1), position + 1
            out = causal(
                input_ids=chosen.to(device),
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
            )
            cache, logits = out.past_key_values, out.logits[:, -1]
    owners = [prompt for prompt in prompts for _ in range(copies)]
    return [Sequence([*prompt, *answer], len(prompt)) for prompt, answer in zip(owners, answers)]
