"""GRPO (Shao et al. 2024): answers that score above the mean of their group become likelier, those below it rarer.

Each group's answers are sampled anew from the model as it is and used for one step, so that the importance ratio is 1
and clipping never acts. Tokens of a step count the same, whatever answer they are in (the normalisation of DAPO, which
is TRL's default). Rewards come from the run's own verifiers, over the event stream.
"""

from __future__ import annotations

import random
from typing import Any

from redistill_trainer.errors import WorkerError
from redistill_trainer.loss import label_logps, no_loss
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence
from redistill_trainer.rollout import judge, roll_out
from redistill_trainer.shadow import Shadow
from redistill_trainer.weights import Base


class GRPO(Objective):
    """An example is a prompt and the name of its task."""

    def item(self, example: dict[str, Any], number: int) -> Item:
        if set(example) == {"prompt", "completion"}:
            return super().item(example, number)
        return practice_item(example, number, self.base, self.job.options["max_tokens"])

    def size(self, item: Item) -> int:
        options = self.job.options
        # The prompt is computed once for all answers to it.
        return item.tokens if item.plain else item.tokens + options["completions"] * options["max_tokens"]

    def labels(self, pack: list[int]) -> int:
        options, items = self.job.options, [self.items[index] for index in pack]
        answers = options["completions"] * options["max_tokens"]
        return sum(item.sequences[0].labels if item.plain else answers for item in items)

    def prepare(self, model: Any) -> None:
        self.shadow = Shadow(model) if self.job.options["beta"] > 0 else None

    def inputs(self, step: int) -> dict[str, Any]:
        return {"step": step}

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch

        items = [self.items[index] for index in self.steps[inputs["step"]][1]]
        own = [item for item in items if not item.plain]
        rehearsed = [item.sequences[0] for item in items if item.plain]
        beta = self.job.options["beta"]
        rolled, advantages = self.judged(model, own, inputs["step"]) if own else ([], [])
        tokens = sum(sequence.labels for sequence in rolled)
        # What neither gains nor loses has no gradient: it is not computed again.
        used = [(s, a) for s, a in zip(rolled, advantages) if a != 0 or beta > 0]
        if not used and not rehearsed:
            return no_loss(model)
        row = self.on(model, self.row([*(sequence for sequence, _ in used), *rehearsed]))
        logps = label_logps(model, row)
        parts = logps.split(row["lengths"])
        losses = [-part.mean() for part in parts[len(used) :]]
        if used:
            policy = -sum(advantage * part.sum() for (_, advantage), part in zip(used, parts)) / tokens
            if beta > 0:
                policy = policy + beta * self.distance(model, row, logps, sum(row["lengths"][: len(used)])) / tokens
            losses += [policy] * len(own)
        return torch.stack(losses).sum() / max(len(items), 1)

    def judged(self, model: Any, own: list[Item], step: int) -> tuple[list[Sequence], list[float]]:
        """Answers to each prompt, with their advantages; 0 for one that cannot be graded."""
        options = self.job.options
        seed = random.Random(f"{self.job.seed}:{step}").getrandbits(48)
        rolled = roll_out(
            model,
            self.base,
            [item.sequences[0].ids for item in own],
            options["completions"],
            options["max_tokens"],
            options["temperature"],
            seed,
            self.require_going,
        )
        tasks = [item.example["task"] for item in own for _ in range(options["completions"])]
        rewards = self.rewards(model, rolled, tasks)
        graded = [reward for reward in rewards if reward is not None]
        self.metrics = {"reward": sum(graded) / max(len(graded), 1)}
        size = options["completions"]
        groups = [rewards[start : start + size] for start in range(0, len(rewards), size)]
        return rolled, [value for group in groups for value in advantages_of(group, options["scale"] == "group")]

    def rewards(self, model: Any, rolled: list[Sequence], tasks: list[str]) -> list[float | None]:
        """What each answer is worth; None where it cannot be graded."""
        return [each.reward for each in judge(self.context, self.base, rolled, tasks)]

    def distance(self, model: Any, row: dict[str, Any], logps: Any, labels: int) -> Any:
        """Estimated KL from the starting weights, summed over the first `labels` tokens (the k3 estimator)."""
        import torch

        with torch.no_grad(), self.shadow.worn(model):
            reference = label_logps(model, row)[:labels]
        ratio = reference - logps[:labels]
        return (ratio.exp() - ratio - 1).sum()


def practice_item(example: dict[str, Any], number: int, base: Base, max_tokens: int) -> Item:
    """A prompt to be answered during training. Raises WorkerError("bad_job") if it is empty or leaves no room."""
    prompt = base.tokenize(example["prompt"])
    if not prompt or len(prompt) + max_tokens > base.context_length:
        raise WorkerError("bad_job", f"example {number} has {len(prompt)} prompt tokens: none, or too many")
    return Item((Sequence(prompt, len(prompt)),), example, plain=False)


def advantages_of(rewards: list[float | None], scaled: bool) -> list[float]:
    """Reward minus the group's mean, over its standard deviation if `scaled` (n - 1, as TRL has it)."""
    graded = [reward for reward in rewards if reward is not None]
    if len(graded) < 2 or max(graded) == min(graded):
        return [0.0] * len(rewards)
    mean = sum(graded) / len(graded)
    deviation = (sum((reward - mean) ** 2 for reward in graded) / (len(graded) - 1)) ** 0.5
    by = deviation + 1e-4 if scaled else 1.0
    return [0.0 if reward is None else (reward - mean) / by for reward in rewards]
