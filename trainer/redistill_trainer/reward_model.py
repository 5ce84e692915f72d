"""A reward model from the loop's own preferences: the same base weights with a LoRA of their own and a scalar head.

Bradley and Terry (1952), as in Ouyang et al. 2022: the probability that one answer is preferred to another is the sigmoid
of their scores' difference; the loss is its negative logarithm over pairs. Scores are held near 0 by a small penalty on
their sums (Eisenstein et al. 2023; TRL's `center_rewards_coefficient`), so that the sigmoid of one score means something.
"""

from __future__ import annotations

from math import comb
from pathlib import Path
from typing import Any

from redistill_trainer.errors import WorkerError
from redistill_trainer.loss import label_hidden
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence

HEAD_NAME = "head.safetensors"
CENTRE = 0.01
CHANCE = 0.1  # a model that is no better than chance is taken for a good one no more often than this


class RewardModeling(Objective):
    """Preference pairs. `head` maps the hidden state at an answer's end to its score."""

    def texts(self, example: dict[str, Any]) -> list[str]:
        return [example["chosen"], example["rejected"]]

    def prepare(self, model: Any) -> None:
        self.head = new_head(model)
        model.add_module("reward_head", self.head)  # the optimiser trains what the model has

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch
        from torch.nn.functional import logsigmoid

        values = scores_of(self.head, model, inputs).view(-1, 2)
        margins = values[:, 0] - values[:, 1]
        self.metrics = {"accuracy": (margins > 0).float().mean().item(), "margin": margins.mean().item()}
        return -logsigmoid(margins).mean() + CENTRE * torch.square(values.sum(1)).mean()

    def files(self) -> dict[str, bytes]:
        return head_files(self.head)

    def restore(self, folder: Path) -> None:
        read_head(self.head, folder)


def new_head(model: Any) -> Any:
    """A head that scores everything 0, on the model's device."""
    import torch

    head = torch.nn.Linear(model.config.hidden_size, 1, bias=False).to(model.device)
    torch.nn.init.zeros_(head.weight)
    return head


def head_files(head: Any) -> dict[str, bytes]:
    """The head as a file of a folder."""
    from safetensors.torch import save

    return {HEAD_NAME: save({"weight": head.weight.detach().cpu().contiguous()})}


def read_head(head: Any, folder: Path) -> None:
    """Read what `head_files` gave."""
    from safetensors.torch import load_file

    head.weight.data.copy_(load_file(folder / HEAD_NAME)["weight"])


def scores_of(head: Any, model: Any, row: dict[str, Any]) -> Any:
    """A score [S] for each sequence of a row, read where its end of turn is predicted.

    The last token of a sequence is not computed (see `packing.build_row`): the state before it has read the whole answer.
    """
    import torch

    ends = torch.tensor(row["lengths"], device=model.device).cumsum(0) - 1
    return head(label_hidden(model, row).index_select(0, ends))[:, 0]


def scores_without_gradient(head: Any, model: Any, sequences: list[Sequence]) -> list[float]:
    """Scores of sequences under the weights that the model has now."""
    import torch

    with torch.no_grad():
        return scores_of(head, model, Objective.on(model, Objective.row(sequences))).tolist()


def held_out(tasks: list[str], share: float) -> set[str]:
    """Prompts whose pairs only test the reward model: an evenly spaced `share` of those that occur, one at least."""
    distinct = list(dict.fromkeys(tasks))
    count = max(1, round(len(distinct) * share))
    return {distinct[place * len(distinct) // count] for place in range(count)}


def accuracy(head: Any, model: Any, items: list[Item], limit: int) -> tuple[int, int]:
    """How many pairs have the preferred answer above the other, of how many; `limit` tokens are computed at once."""
    right, batch = 0, []
    for index, item in enumerate(items):
        batch.append(item)
        if index + 1 == len(items) or sum(each.tokens for each in batch) + items[index + 1].tokens > limit:
            scores = scores_without_gradient(head, model, [s for each in batch for s in each.sequences])
            right += sum(chosen > rejected for chosen, rejected in zip(scores[::2], scores[1::2]))
            batch = []
    return right, len(items)


def require_better_than_chance(right: int, total: int) -> None:
    """Raise WorkerError("weak_reward") unless a coin would hardly get so many of the held-out pairs right (the one-sided
    sign test at level `CHANCE`)."""
    by_coin = sum(comb(total, count) for count in range(right, total + 1)) / 2**total
    if by_coin <= CHANCE:
        return
    message = (
        f"the reward model preferred the better answer in {right} of {total} held-out pairs, which chance does with "
        f"probability {by_coin:.2f}"
    )
    raise WorkerError("weak_reward", message)
