"""Greedy answers by torch, to be compared with those of the engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redistill_trainer.errors import Cancelled
from redistill_trainer.weights import Base, load_base


def answer_prompts(
    model: str, adapter: str | None, prompts: list[str], max_tokens: int, cancelled: Callable[[], bool]
) -> list[dict[str, Any]]:
    """Answer each prompt by the likeliest token, until the end of turn or `max_tokens`.

    Args:
        model: path of the GGUF file.
        adapter: folder of a PEFT adapter, a GGUF model in whose place all its weights were trained, or None for the bare
            model.
        prompts: texts with the chat template already applied.

    Returns:
        Per prompt `text` (without the end of turn), `prompt_tokens` and `tokens` (ids, with the end of turn), and
        `margins`: for each token the logit distance to the second likeliest. A small one may fall otherwise in
        another engine.
    """
    import torch

    from redistill_trainer.adapter import attached, load_weights, read_config

    whole = adapter is not None and Path(adapter).is_file()
    base = load_base(Path(adapter if whole else model))
    with ExitStack() as stack:
        network = base.model
        if adapter and not whole:
            rank, alpha = read_config(Path(adapter))
            network = stack.enter_context(attached(base, rank, alpha))
            load_weights(network, Path(adapter))
        network.eval()
        stack.enter_context(torch.inference_mode())
        return [answer_one(network, base, prompt, max_tokens, cancelled) for prompt in prompts]


def answer_one(
    network: Any, base: Base, prompt: str, max_tokens: int, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Answer one prompt; see `answer_prompts`."""
    import torch

    prompt_tokens = base.tokenize(prompt)
    tokens: list[int] = []
    margins: list[float] = []
    cache, feed = None, prompt_tokens
    while len(tokens) < max_tokens and base.end_of_turn not in tokens:
        if cancelled():
            raise Cancelled
        ids = torch.tensor([feed], device=base.model.device)
        out = network(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        best = out.logits[0, -1].float().topk(2)
        tokens.append(best.indices[0].item())
        margins.append(round((best.values[0] - best.values[1]).item(), 5))
        cache, feed = out.past_key_values, tokens[-1:]
    text = base.tokenizer.decode([token for token in tokens if token != base.end_of_turn])
    return {"text": text, "prompt_tokens": prompt_tokens, "tokens": tokens, "margins": margins}
