"""ORPO (Hong et al. 2024): imitation of the chosen answer and the odds ratio over the rejected one, without reference."""

from __future__ import annotations

from typing import Any

from redistill_trainer.rank import Item, Ranked, mean


class ORPO(Ranked):
    """Preference pairs without reference weights."""

    def texts(self, example: dict[str, Any]) -> list[str]:
        return [example["chosen"], example["rejected"]]

    def losses(self, model: Any, own: list[tuple[Item, Any, Any, Any]]) -> tuple[list[Any], dict[str, float]]:
        losses, margins = [], []
        for _, logps, lengths, _ in own:
            chosen, rejected = logps / lengths
            losses.append(-chosen + self.job.options["beta"] * odds_ratio_loss(chosen, rejected))
            margins.append((chosen - rejected).item())
        return losses, {"margin": mean(margins)}


def odds_ratio_loss(chosen: Any, rejected: Any) -> Any:
    """-log sigmoid of the log odds ratio of two mean log-probabilities (equations 4 and 7 of the paper)."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid((chosen - rejected) - (log_of_rest(chosen) - log_of_rest(rejected)))


def log_of_rest(logp: Any) -> Any:
    """log(1 - exp(`logp`)), finite also where the probability rounds to 1."""
    return (-logp.clamp(max=-1e-6).expm1()).log()
