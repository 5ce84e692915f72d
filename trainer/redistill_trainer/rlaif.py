"""GRPO with rewards of a model that was trained on preferences first (Bai et al. 2022, Lee et al. 2023: RLAIF).

Both are one job: `before` trains the reward model and leaves it in the job's folder, then the policy is trained. The
reward model is an adapter and a head on the same base weights, which the model wears while it scores; where the policy's
weights are all trained, a frozen copy of those it began with has the adapter merged in. A reward is the sigmoid of a score,
from 0 to 1 like a verifier's, so that the two can be mixed by share.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from redistill_trainer.adapter import is_adapter, load_weights
from redistill_trainer.context import Context
from redistill_trainer.grpo import GRPO
from redistill_trainer.job import Job, read_json
from redistill_trainer.merged_folder import read_deltas
from redistill_trainer.packing import Sequence
from redistill_trainer.reward_model import new_head, read_head, scores_without_gradient
from redistill_trainer.reward_phase import FOLDER, MANIFEST, train_reward_model
from redistill_trainer.shadow import Shadow
from redistill_trainer.weights import Base


class RewardedByModel(GRPO):
    """Examples are tasks to practise, as for GRPO, and pairs for the reward model."""

    def __init__(self, job: Job, examples: list[dict[str, Any]], base: Base, context: Context) -> None:
        super().__init__(job, [example for example in examples if "rejected" not in example], base, context)

    @classmethod
    def before(cls, job: Job, examples: list[dict[str, Any]], base: Base, context: Context) -> None:
        train_reward_model(job, [example for example in examples if "rejected" in example], base, context)

    @property
    def folder(self) -> Path:
        """Where the reward model is."""
        return self.job.output / FOLDER

    def prepare(self, model: Any) -> None:
        super().prepare(model)
        self.head = new_head(model)
        read_head(self.head, self.folder)
        own = Shadow(model)
        if is_adapter(model):
            load_weights(model, self.folder)
            self.judge = Shadow(model)
            own.put_back(model)
            return
        for name, (a, b, scale) in read_deltas(self.folder, own.weights).items():
            own.weights[name].add_(scale * (b @ a).to(own.weights[name].device))
        self.judge = own

    def rewards(self, model: Any, rolled: list[Sequence], tasks: list[str]) -> list[float | None]:
        with self.judge.worn(model):
            scores = scores_without_gradient(self.head, model, rolled)
        share = self.job.options["model_share"]
        preferred = [1 / (1 + math.exp(-max(score, -60.0))) for score in scores]
        if share == 1:
            return preferred
        verified = super().rewards(model, rolled, tasks)
        return [None if own is None else share * model_ + (1 - share) * own for own, model_ in zip(verified, preferred)]

    def figures(self) -> dict[str, Any]:
        return {"reward_model": read_json(self.folder / MANIFEST, "the reward model's manifest")}
