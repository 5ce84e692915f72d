"""What the methods that compare answers share: summed log-probabilities, and those of the starting weights.

The reference policy of DPO and KTO is the model as training began (base weights, or the parent adapter). Its
log-probabilities are computed once, before the first step, so that no second copy of the weights is needed; a resumed
training computes them again, from the same weights.
"""

from __future__ import annotations

from typing import Any

from redistill_trainer.loss import sequence_logps
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence


class Ranked(Objective):
    """A step's loss is the mean over its examples; a plain one adds its mean cross-entropy per token."""

    needs_reference = False

    def prepare(self, model: Any) -> None:
        if not self.needs_reference:
            return
        sums: dict[int, list[float]] = {}
        for _, pack in (step for step in self.steps if step[0] == 0):
            sequences = [sequence for index in pack for sequence in self.items[index].sequences]
            logps = iter(self.logps_without_gradient(model, sequences).tolist())
            for index in pack:
                sums[index] = [next(logps) for _ in self.items[index].sequences]
        self.references = sums

    def logps_without_gradient(self, model: Any, sequences: list[Sequence]) -> Any:
        """Summed log-probability [S] of sequences under the model as it is now."""
        import torch

        self.require_going()
        row = self.on(model, self.row(sequences))
        with torch.no_grad():
            return sequence_logps(model, row)

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch

        pack = self.steps[inputs["step"]][1]
        sums = sequence_logps(model, inputs)
        counts = torch.tensor(inputs["lengths"], dtype=sums.dtype, device=sums.device)
        items = [self.items[index] for index in pack]
        parts = [len(item.sequences) for item in items]
        own, plain, facts = [], [], []
        for index, item, logps, lengths in zip(pack, items, sums.split(parts), counts.split(parts)):
            if item.plain:
                plain.append(-(logps / lengths)[0])
                continue
            reference = torch.tensor(self.references[index], device=sums.device) if self.needs_reference else None
            own.append((item, logps, lengths, reference))
        losses, facts = self.losses(model, own) if own else ([], {})
        self.metrics = facts or self.metrics
        return torch.stack([*losses, *plain]).mean()

    def losses(self, model: Any, own: list[tuple[Item, Any, Any, Any]]) -> tuple[list[Any], dict[str, float]]:
        """The loss of each example (item, summed log-probabilities, labels, reference sums), and figures of the step."""
        raise NotImplementedError


def mean(values: list[float]) -> float:
    """The mean of at least one number."""
    return sum(values) / len(values)
