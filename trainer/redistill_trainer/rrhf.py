"""RRHF (Yuan et al. 2023): answers ranked by score through their mean log-probabilities, and imitation of the best."""

from __future__ import annotations

from typing import Any

from redistill_trainer.errors import WorkerError
from redistill_trainer.rank import Item, Ranked, mean


class RRHF(Ranked):
    """Several answers to a prompt with their scores."""

    def texts(self, example: dict[str, Any]) -> list[str]:
        if len(example["completions"]) != len(example["rewards"]) or len(example["rewards"]) < 2:
            raise WorkerError("bad_job", "a ranking must have two completions or more, and a reward for each")
        return example["completions"]

    def losses(self, model: Any, own: list[tuple[Item, Any, Any, Any]]) -> tuple[list[Any], dict[str, float]]:
        losses, margins = [], []
        for item, logps, lengths, _ in own:
            rewards, means = item.example["rewards"], logps / lengths
            best = rewards.index(max(rewards))
            losses.append(ranking_loss(means, rewards) - self.job.options["sft_weight"] * means[best])
            margins.append((means[best] - means[rewards.index(min(rewards))]).item())
        return losses, {"margin": mean(margins)}


def ranking_loss(means: Any, rewards: list[float]) -> Any:
    """Sum of max(0, p_low - p_high) over pairs of unequal reward (equation 3 of the paper), averaged over these pairs so
    that a long ranking does not outweigh the imitation."""
    import torch

    scores = torch.tensor(rewards, device=means.device)
    worse = scores[:, None] < scores[None, :]
    return (means[:, None] - means[None, :])[worse].clamp(min=0).mean()
