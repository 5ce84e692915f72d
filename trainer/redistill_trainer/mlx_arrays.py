"""What mlx-lm takes and gives, in numpy alone: adapters by its names and shapes, batches, and the learning rate.

mlx-lm computes `y + scale * (x @ lora_a) @ lora_b`: its matrices are PEFT's transposed, and its scale is alpha / rank.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy

from redistill_trainer.packing import Sequence

PEFT_NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
MLX_NAME = re.compile(r"(.+)\.lora_([ab])")


def to_mlx(tensors: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """A PEFT adapter's tensors (A [rank, in], B [out, rank]) as mlx-lm has them (a [in, rank], b [rank, out])."""
    found = {PEFT_NAME.fullmatch(name): tensor for name, tensor in tensors.items()}
    return {f"{match[1]}.lora_{match[2].lower()}": numpy.ascontiguousarray(tensor.T) for match, tensor in found.items()}


def to_peft(tensors: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """The reverse of `to_mlx`."""
    found = {MLX_NAME.fullmatch(name): tensor for name, tensor in tensors.items()}
    return {
        f"base_model.model.{match[1]}.lora_{match[2].upper()}.weight": numpy.ascontiguousarray(tensor.T)
        for match, tensor in found.items()
    }


def batch(sequences: list[Sequence], weights: list[float]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Token ids, the token wanted after each, and what it counts, all [sequences, longest - 1].

    Padded on the right, where a causal model's earlier tokens do not see it; prompts and padding count 0.
    """
    shape = (len(sequences), max(len(sequence.ids) for sequence in sequences) - 1)
    ids, targets, counts = numpy.zeros(shape, numpy.int32), numpy.zeros(shape, numpy.int32), numpy.zeros(shape, numpy.float32)
    for row, (sequence, weight) in enumerate(zip(sequences, weights)):
        end = len(sequence.ids) - 1
        ids[row, :end], targets[row, :end] = sequence.ids[:-1], sequence.ids[1:]
        counts[row, sequence.prompt_length - 1 : end] = weight
    return ids, targets, counts


def learning_rate(step: int, steps: int, settings: Any) -> float:
    """Of the optimiser step `step` (from 0): linear warm-up, then a cosine to 0, as transformers' cosine schedule."""
    warmup = math.ceil(settings.warmup_ratio * steps)
    if step < warmup:
        return settings.learning_rate * step / max(1, warmup)
    progress = (step - warmup) / max(1, steps - warmup)
    return settings.learning_rate * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
