"""KTO (Ethayarajh et al. 2024): right and wrong answers without pairs, against the starting weights.

The reference point is the estimated divergence from the starting weights: the mean log-ratio of completions under the
prompts of other examples, never below 0 and without gradient. As with DPO, right answers' own likelihood is added: alone,
the loss pushed both kinds down on a small model. Which completion goes with which prompt is settled once
(the next example's), so that a resumed training meets the same ones.
"""

from __future__ import annotations

from typing import Any

from redistill_trainer.packing import Sequence
from redistill_trainer.rank import Item, Ranked, mean


class KTO(Ranked):
    """Labelled answers. Both kinds count the same in sum, times their weights: few right ones are not drowned."""

    needs_reference = True

    def prepare(self, model: Any) -> None:
        super().prepare(model)
        labelled = [index for index, item in enumerate(self.items) if not item.plain]
        right = sum(self.items[index].example["label"] for index in labelled)
        count = {True: right, False: len(labelled) - right}
        options = self.job.options
        wanted = {True: options["right_weight"], False: options["wrong_weight"]}
        self.weights = {label: wanted[label] * len(labelled) / (2 * max(count[label], 1)) for label in count}
        following = dict(zip(labelled, [*labelled[1:], *labelled[:1]]))
        self.strangers = {id(self.items[a]): self.stranger(self.items[a], self.items[b]) for a, b in following.items()}
        self.stranger_references = {}
        for _, pack in (step for step in self.steps if step[0] == 0):
            own = [id(self.items[index]) for index in pack if not self.items[index].plain]
            if own:
                logps = self.logps_without_gradient(model, [self.strangers[key] for key in own])
                self.stranger_references |= dict(zip(own, logps.tolist()))

    @staticmethod
    def stranger(item: Item, other: Item) -> Sequence:
        """The prompt of one example with the completion of another."""
        (own,), (foreign,) = item.sequences, other.sequences
        return Sequence([*own.ids[: own.prompt_length], *foreign.ids[foreign.prompt_length :]], own.prompt_length)

    def losses(self, model: Any, own: list[tuple[Item, Any, Any, Any]]) -> tuple[list[Any], dict[str, float]]:
        keys = [id(item) for item, *_ in own]
        now = self.logps_without_gradient(model, [self.strangers[key] for key in keys]).tolist()
        divergence = max(mean([logp - self.stranger_references[key] for key, logp in zip(keys, now)]), 0.0)
        losses, ratios = [], {True: [], False: []}
        for item, logps, lengths, reference in own:
            label, ratio = item.example["label"], (logps - reference)[0]
            imitation = -(logps / lengths)[0] * self.job.options["sft_weight"] if label else 0.0
            losses.append(self.weights[label] * kto_loss(ratio, divergence, label, self.job.options["beta"]) + imitation)
            ratios[label].append(ratio.item())
        return losses, {name: mean(ratios[label]) for name, label in (("right", True), ("wrong", False)) if ratios[label]}


def kto_loss(ratio: Any, divergence: float, label: bool, beta: float) -> Any:
    """1 - sigmoid(beta (ratio - divergence)), its sign turned for a wrong answer (equation 8 of the paper)."""
    sign = 1 if label else -1
    return 1 - (sign * beta * (ratio - divergence)).sigmoid()
