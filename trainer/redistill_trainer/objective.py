"""What a training method is to the loop: examples in optimiser steps, and a loss for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import Cancelled
from redistill_trainer.job import Job
from redistill_trainer.packing import Sequence, build_row, plan, sequence_of, to_tensors
from redistill_trainer.weights import Base


@dataclass(frozen=True)
class Item:
    """One example: its tokenised texts, and whether it is a plain one among those of another method."""

    sequences: tuple[Sequence, ...]
    example: dict[str, Any]
    plain: bool

    @property
    def tokens(self) -> int:
        """Tokens of all its texts, as if nothing were shared."""
        return sum(len(sequence.ids) for sequence in self.sequences)


class Objective:
    """The base of all methods. A subclass says which texts an example has, and what a step's loss is.

    Attributes:
        items: the examples, in the job's order.
        steps: per optimiser step its epoch, from 0, and the indices of its items.
        metrics: figures of the last step's loss, by name.
    """

    def __init__(self, job: Job, examples: list[dict[str, Any]], base: Base, context: Context) -> None:
        self.job, self.base, self.context = job, base, context
        self.items = [self.item(example, number) for number, example in enumerate(examples, start=1)]
        settings = job.settings
        lengths = [self.size(item) for item in self.items]
        self.steps = plan(lengths, settings.tokens_per_step, settings.epochs, job.seed)
        self.metrics: dict[str, float] = {}

    def item(self, example: dict[str, Any], number: int) -> Item:
        """An example with its texts tokenised. Raises WorkerError("bad_job") if one is empty or too long."""
        plain = set(example) == {"prompt", "completion"}
        texts = [example["completion"]] if plain else self.texts(example)
        sequences = tuple(sequence_of(example["prompt"], text, self.base, number) for text in texts)
        return Item(sequences, example, plain)

    def texts(self, example: dict[str, Any]) -> list[str]:
        """The completions of an example that is not plain."""
        return [example["completion"]]

    def tokens(self, pack: list[int]) -> int:
        """Tokens of a step."""
        return sum(self.size(self.items[index]) for index in pack)

    def size(self, item: Item) -> int:
        """Tokens that an example takes in a step; where answers are sampled, the most that it can be."""
        return item.tokens

    def labels(self, pack: list[int]) -> int:
        """Tokens of a step that have a loss."""
        return sum(sequence.labels for index in pack for sequence in self.items[index].sequences)

    @classmethod
    def before(cls, job: Job, examples: list[dict[str, Any]], base: Base, context: Context) -> None:
        """A training that must be through before this one begins; done or resumed like it."""

    def prepare(self, model: Any) -> None:
        """Look at the weights that training begins with, before its first step or a resumed one."""

    def inputs(self, step: int) -> dict[str, Any]:
        """The row of a step's sequences; `lengths` are the labels of each."""
        return {**self.row([s for index in self.steps[step][1] for s in self.items[index].sequences]), "step": step}

    @staticmethod
    def row(sequences: list[Sequence]) -> dict[str, Any]:
        """Tensors of one row, see `packing.to_tensors`, and `lengths`: how many labels each sequence has."""
        return {**to_tensors(build_row(sequences)), "lengths": [sequence.labels for sequence in sequences]}

    @staticmethod
    def on(model: Any, row: dict[str, Any]) -> dict[str, Any]:
        """A row's tensors where the model is."""
        return {key: value if key == "lengths" else value.to(model.device) for key, value in row.items()}

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        """The loss of a step (a scalar tensor); also sets `metrics`."""
        raise NotImplementedError

    def figures(self) -> dict[str, Any]:
        """What the manifest says besides."""
        return {}

    def stepped(self, model: Any) -> None:
        """The optimiser has made a step."""

    def files(self) -> dict[str, Any]:
        """What a checkpoint must hold besides weights, optimiser and schedule, as `write_dir_atomic` takes it."""
        return {}

    def restore(self, folder: Path) -> None:
        """Read what `files` wrote."""

    def require_going(self) -> None:
        """Raise Cancelled if the request was cancelled."""
        if self.context.cancelled():
            raise Cancelled
