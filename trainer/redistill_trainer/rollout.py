"""Answers sampled from the model while it is trained, and what is thought of them. The same seed and weights give the
same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import WorkerError
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


@dataclass(frozen=True)
class Judged:
    """A sampled answer as text, with its reward (None: ungradable) and what its verifier found."""

    answer: str
    reward: float | None
    finding: str


def judge(context: Context, base: Base, rolled: list[Sequence], tasks: list[str]) -> list[Judged]:
    """Ask whoever sent the job what the answers to these tasks are worth. Raises WorkerError("bad_job") for a reply that
    does not fit."""
    texts = [base.tokenizer.decode(s.ids[s.prompt_length :], skip_special_tokens=True).strip() for s in rolled]
    reply = context.ask(answers=[{"task": task, "answer": text} for task, text in zip(tasks, texts)])
    rewards, findings = reply["rewards"], reply.get("findings") or [""] * len(rolled)
    if len(rewards) != len(rolled) or len(findings) != len(rolled):
        raise WorkerError("bad_job", f"{len(rewards)} rewards for {len(rolled)} answers")
    return [Judged(*each) for each in zip(texts, rewards, findings)]
