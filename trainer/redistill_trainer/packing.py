"""Examples to optimiser steps: balanced packs, and in each pack every shared prefix only once.

A pack is computed as one row in which no token is padding. Examples that begin alike (a system prompt, a
template's header) share those tokens: they form a tree, a token sees its ancestors and itself, and its position is
its depth. A causal model gives each token there exactly what it would give it in a row of its own, so losses and
gradients are those of one-by-one training (the tests compare them).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redistill_trainer.weights import Base

from redistill_trainer.errors import WorkerError


@dataclass(frozen=True)
class Sequence:
    """One example: `ids` are prompt, completion and end-of-turn token; labels are `ids[prompt_length:]`."""

    ids: list[int]
    prompt_length: int

    @property
    def labels(self) -> int:
        """Number of tokens with a loss."""
        return len(self.ids) - self.prompt_length


@dataclass(frozen=True)
class Row:
    """A pack as the model takes it: T tokens and L labels.

    `ids`, `positions` and `parents` have T items (parent -1: a first token). Label i wants `targets[i]` after the
    token `label_rows[i]`; a shared token may have several labels.
    """

    ids: list[int]
    positions: list[int]
    parents: list[int]
    label_rows: list[int]
    targets: list[int]


def tokenize(examples: list[dict[str, Any]], base: Base) -> list[Sequence]:
    """Tokenise prompt and completion of each example; see `sequence_of`."""
    return [
        sequence_of(example["prompt"], example["completion"], base, number)
        for number, example in enumerate(examples, start=1)
    ]


def sequence_of(prompt_text: str, completion_text: str, base: Base, number: int) -> Sequence:
    """Tokenise prompt and completion apart, as the engine sees them, and end the turn.

    Raises WorkerError("bad_job") for an example (its number counts from 1) without tokens or longer than the model's
    context.
    """
    prompt, completion = base.tokenize(prompt_text), base.tokenize(completion_text)
    ids = [*prompt, *completion, base.end_of_turn]
    if not prompt or not completion or len(ids) > base.context_length:
        message = f"example {number} has {len(prompt)} prompt and {len(completion)} completion tokens"
        raise WorkerError("bad_job", f"{message}; both must be above 0, together below {base.context_length}")
    return Sequence(ids, len(prompt))


def plan(lengths: list[int], tokens_per_step: int, epochs: int, seed: int) -> list[tuple[int, list[int]]]:
    """The optimiser steps of a training: (epoch from 0, indices of the step's examples), in order.

    `lengths` are the examples' tokens. They count as if nothing were shared, so that a step means the same whatever the examples have in common.
    """
    steps = []
    for epoch in range(epochs):
        order = list(range(len(lengths)))
        generator = random.Random(f"{seed}:{epoch}")
        generator.shuffle(order)
        packs = balance(order, lengths, tokens_per_step)
        generator.shuffle(packs)
        steps += [(epoch, pack) for pack in packs]
    return steps


def balance(order: list[int], lengths: list[int], limit: int) -> list[list[int]]:
    """Split `order` into about as few packs as `limit` tokens allow, of about the same size (longest first, to the
    emptiest pack; equal lengths keep their order). An item above the limit gets a pack of its own."""
    longest_first = sorted(order, key=lambda index: -lengths[index])
    oversize = sum(lengths[index] > limit for index in order)
    count = max(1, oversize - (-sum(lengths[index] for index in order if lengths[index] <= limit) // limit))
    while True:
        packs: list[list[int]] = [[] for _ in range(count)]
        sizes = [0] * count
        for index in longest_first:
            pack = min(range(count), key=sizes.__getitem__)
            if sizes[pack] and sizes[pack] + lengths[index] > limit:
                break
            packs[pack].append(index)
            sizes[pack] += lengths[index]
        else:
            return [pack for pack in packs if pack]
        count += 1


def build_row(sequences: list[Sequence]) -> Row:
    """Lay the sequences out as a tree of tokens. The last token of each predicts nothing, so it is not computed."""
    row = Row([], [], [], [], [])
    children: dict[tuple[int, int], int] = {}
    for sequence in sequences:
        node = -1
        for position, token in enumerate(sequence.ids[:-1]):
            key = (node, token)
            if key not in children:
                children[key] = len(row.ids)
                row.ids.append(token)
                row.positions.append(position)
                row.parents.append(node)
            node = children[key]
            if position + 1 >= sequence.prompt_length:
                row.label_rows.append(node)
                row.targets.append(sequence.ids[position + 1])
    return row


def to_tensors(row: Row) -> dict[str, Any]:
    """Tensors of a row: input_ids and position_ids [1, T], attention_mask [1, 1, T, T] (bool, True where it looks),
    label_rows and targets [L]."""
    import numpy
    import torch

    size = len(row.ids)
    sees = numpy.zeros((size, size), dtype=bool)
    for node, parent in enumerate(row.parents):
        if parent >= 0:
            sees[node, : parent + 1] = sees[parent, : parent + 1]
        sees[node, node] = True
    return {
        "input_ids": torch.tensor([row.ids]),
        "position_ids": torch.tensor([row.positions]),
        "attention_mask": torch.from_numpy(sees)[None, None],
        "label_rows": torch.tensor(row.label_rows),
        "targets": torch.tensor(row.targets),
    }
