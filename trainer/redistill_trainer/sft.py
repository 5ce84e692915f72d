"""SFT: next-token cross-entropy on right answers, each token of a step counting the same, or its example's weight."""

from __future__ import annotations

from typing import Any

from redistill_trainer.loss import label_logps, packed_loss
from redistill_trainer.objective import Objective


class Imitation(Objective):
    """Plain or weighted imitation."""

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch

        weights = [self.items[index].example.get("weight", 1.0) for index in self.steps[inputs["step"]][1]]
        if all(weight == 1.0 for weight in weights):
            return packed_loss(model, inputs)
        by_label = [weight for weight, length in zip(weights, inputs["lengths"]) for _ in range(length)]
        logps = label_logps(model, inputs)
        return weighted_loss(logps, torch.tensor(by_label, device=logps.device))


def weighted_loss(logps: Any, weights: Any) -> Any:
    """Mean of -`logps` [L] with `weights` [L], in nats per token."""
    return -(weights * logps).sum() / weights.sum()
