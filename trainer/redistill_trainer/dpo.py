"""DPO (Rafailov et al. 2023), with the chosen answer's own likelihood beside it (RPO: Pang et al. 2024).

DPO alone may push both answers down as long as their distance grows; on small models the second term keeps the chosen
one likely.
"""

from __future__ import annotations

from typing import Any

from redistill_trainer.rank import Item, Ranked, mean


class DPO(Ranked):
    """Preference pairs against the starting weights."""

    needs_reference = True

    def texts(self, example: dict[str, Any]) -> list[str]:
        return [example["chosen"], example["rejected"]]

    def losses(self, model: Any, own: list[tuple[Item, Any, Any, Any]]) -> tuple[list[Any], dict[str, float]]:
        beta, sft_weight = self.job.options["beta"], self.job.options["sft_weight"]
        losses, margins = [], []
        for _, logps, lengths, reference in own:
            ratios = logps - reference
            losses.append(dpo_loss(ratios[0], ratios[1], beta) - sft_weight * logps[0] / lengths[0])
            margins.append((ratios[0] - ratios[1]).item())
        return losses, {"margin": mean(margins)}


def dpo_loss(chosen: Any, rejected: Any, beta: float) -> Any:
    """-log sigmoid(beta (chosen - rejected)) of log-ratios to the reference, in nats."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid(beta * (chosen - rejected))
