"""SDFT and GKD: the same weights with more in view teach the weights without, token by token.

The student's answer (sampled from it as it is now, or the example's) is read under two prompts: the student's, and the
teacher's, which holds exemplars, a critique or the reference. The loss is the divergence of the student's next-token
distributions from the teacher's, over the whole vocabulary. On-policy: Agarwal et al. 2024 (GKD); with the privileged
context as the teacher's only advantage: Shenfeld et al. 2026 (SDFT).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from redistill_trainer.loss import label_logits, no_loss
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence, sequence_of
from redistill_trainer.rollout import roll_out
from redistill_trainer.shadow import Shadow


class SelfDistillation(Objective):
    """An item's sequences are student prompt and teacher prompt, with the example's completion or none."""

    shadow: Shadow | None = None

    def item(self, example: dict[str, Any], number: int) -> Item:
        if set(example) == {"prompt", "completion"}:
            return super().item(example, number)
        completion = example.get("completion", " ")  # a stand-in that is cut off again: on-policy only
        both = [sequence_of(example[key], completion, self.base, number) for key in ("prompt", "teacher_prompt")]
        return Item(tuple(both), example, plain=False)

    def size(self, item: Item) -> int:
        if item.plain:
            return item.tokens
        # What has a gradient; the teacher's side has none, and mostly shares its beginning with the others'.
        return item.sequences[0].prompt_length + self.job.options["max_tokens"]

    def labels(self, pack: list[int]) -> int:
        items = [self.items[index] for index in pack]
        return sum(item.sequences[0].labels if item.plain else self.job.options["max_tokens"] for item in items)

    def prepare(self, model: Any) -> None:
        if self.job.options["teacher"] != "live":
            self.shadow = Shadow(model)

    def inputs(self, step: int) -> dict[str, Any]:
        return {"step": step}

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch
        from torch.nn.functional import cross_entropy

        items = [self.items[index] for index in self.steps[inputs["step"]][1]]
        own = [item for item in items if not item.plain]
        rehearsed = [item.sequences[0] for item in items if item.plain]
        seen, shown = self.views(model, own, inputs["step"]) if own else ([], [])
        if not seen and not rehearsed:
            return no_loss(model)
        wanted = self.teacher_logits(model, shown) if seen else []
        row = self.on(model, self.row([*seen, *rehearsed]))
        logits = label_logits(model, row)
        own_labels = sum(sequence.labels for sequence in seen)
        losses = [
            cross_entropy(part, targets)
            for part, targets in zip(
                logits[own_labels:].split([sequence.labels for sequence in rehearsed]),
                row["targets"][own_labels:].split([sequence.labels for sequence in rehearsed]),
            )
        ]
        if seen:
            distance = divergence(logits[:own_labels], wanted, self.job.options["beta"]).mean()
            self.metrics = {**self.metrics, "divergence": distance.item()}
            losses += [distance] * len(own)
        return torch.stack(losses).mean()

    def views(self, model: Any, own: list[Item], step: int) -> tuple[list[Sequence], list[Sequence]]:
        """The same answers under the student's prompts and under the teacher's."""
        answers = self.answers(model, own, step)
        seen, shown = ([extended(item.sequences[side], a) for item, a in zip(own, answers)] for side in (0, 1))
        return seen, shown

    def answers(self, model: Any, own: list[Item], step: int) -> list[list[int]]:
        """An answer to each: the student's own, or in a share of the steps the example's."""
        options = self.job.options
        if random.Random(f"{self.job.seed}:{step}:policy").random() >= options.get("on_policy", 1.0):
            return [item.sequences[0].ids[item.sequences[0].prompt_length :] for item in own]
        prompts = [item.sequences[0].ids[: item.sequences[0].prompt_length] for item in own]
        seed = random.Random(f"{self.job.seed}:{step}").getrandbits(48)
        rolled = roll_out(
            model, self.base, prompts, 1, options["max_tokens"], options["temperature"], seed, self.require_going
        )
        return [sequence.ids[sequence.prompt_length :] for sequence in rolled]

    def teacher_logits(self, model: Any, shown: list[Sequence]) -> Any:
        """The teacher's logits [L, vocabulary] for the same answers."""
        import torch

        row = self.on(model, self.row(shown))
        with torch.no_grad():
            if self.shadow is None:
                return label_logits(model, row)
            with self.shadow.worn(model):
                return label_logits(model, row)

    def stepped(self, model: Any) -> None:
        if self.job.options["teacher"] == "ema":
            self.shadow.follow(model, self.job.options["decay"])

    def files(self) -> dict[str, Any]:
        return self.shadow.files() if self.job.options["teacher"] == "ema" else {}

    def restore(self, folder: Path) -> None:
        if self.job.options["teacher"] == "ema":
            self.shadow.restore(folder)


def extended(sequence: Sequence, answer: list[int]) -> Sequence:
    """The prompt of a sequence with another answer."""
    return Sequence([*sequence.ids[: sequence.prompt_length], *answer], sequence.prompt_length)


def divergence(student: Any, teacher: Any, beta: float) -> Any:
    """Divergence [L] in nats between next-token distributions given as logits [L, vocabulary].

    `beta` 0 is the forward divergence KL(teacher, student), 1 the reverse one, and between them the generalised
    Jensen-Shannon divergence (equation 1 of the GKD paper).
    """
    import torch

    student, teacher = student.log_softmax(-1), teacher.log_softmax(-1)
    if beta == 0:
        return (teacher.exp() * (teacher - student)).sum(-1)
    if beta == 1:
        return (student.exp() * (student - teacher)).sum(-1)
    weights = torch.tensor([1 - beta, beta], device=student.device).log()
    mixture = torch.logaddexp(student + weights[0], teacher + weights[1])
    from_teacher = (teacher.exp() * (teacher - mixture)).sum(-1)
    from_student = (student.exp() * (student - mixture)).sum(-1)
    return beta * from_teacher + (1 - beta) * from_student
