"""Offline distillation: answers with the probabilities that their author gave to each token and to the likeliest others.

The loss is the divergence between two distributions over the author's k likeliest tokens and one bucket for the rest of
the vocabulary, so that nothing is said of tokens that were not listed but how likely they are together. (Renormalising
over the k would teach that the rest is impossible; Anshumann et al. 2025 measure that bias. The bucket is TRL's
`distillation_add_tail`, there on the student's likeliest tokens, since its teacher is at hand.)
"""

from __future__ import annotations

from typing import Any

from redistill_trainer.divergence import divergence
from redistill_trainer.errors import WorkerError
from redistill_trainer.loss import label_logits
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence
from redistill_trainer.vocabulary import Vocabulary

NOTHING = -1e4  # the log-probability of a place in a list that is shorter than the others


class Distillation(Objective):
    """An item's sequence is the answer as it was sampled, token for token; `top` has [token, log-probability] for each."""

    def __init__(self, *args: Any) -> None:
        self.tops: dict[int, list[list[tuple[int, float]]]] = {}
        self.ended: set[int] = set()  # items whose end of turn nobody gave probabilities for: it is learned as it stands
        self.vocabulary: Vocabulary | None = None
        super().__init__(*args)

    def item(self, example: dict[str, Any], number: int) -> Item:
        if set(example) == {"prompt", "completion"}:
            return super().item(example, number)
        self.vocabulary = self.vocabulary or Vocabulary(self.base)
        answer = self.vocabulary.answer(example["tokens"], example["completion"], number)
        tops = [self.vocabulary.known(top) for top in example["top"]]
        if len(tops) != len(answer):
            raise WorkerError("bad_job", f"example {number} has {len(tops)} lists of probabilities for {len(answer)} tokens")
        if answer[-1] not in self.vocabulary.endings:  # some servers do not tell of the end of turn
            answer, tops = [*answer, self.base.end_of_turn], [*tops, [(self.base.end_of_turn, 0.0)]]
        prompt = self.base.tokenize(example["prompt"])
        if len(prompt) + len(answer) > self.base.context_length:
            raise WorkerError("bad_job", f"example {number} is longer than the model's context")
        item = Item((Sequence([*prompt, *answer], len(prompt)),), example, plain=False)
        self.tops[id(item)] = tops
        if len(tops) > len(example["top"]):
            self.ended.add(id(item))
        return item

    def loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        import torch
        from torch.nn.functional import cross_entropy

        items = [self.items[index] for index in self.steps[inputs["step"]][1]]
        parts = label_logits(model, inputs).split(inputs["lengths"])
        targets = inputs["targets"].split(inputs["lengths"])
        losses = [cross_entropy(part, wanted) for item, part, wanted in zip(items, parts, targets) if item.plain]
        own = [(part, self.tops[id(item)]) for item, part in zip(items, parts) if not item.plain]
        if own:
            student = torch.cat([part for part, _ in own])
            distances = listed_divergence(student, [top for _, tops in own for top in tops], self.job.options["beta"])
            self.metrics = {"divergence": distances[self._given(items)].mean().item()}
            losses += [distances.mean()] * len(own)
        return torch.stack(losses).mean()

    def _given(self, items: list[Item]) -> list[int]:
        """Places of the tokens whose probabilities came with the answers, among those of all items."""
        given, place = [], 0
        for item in items:
            if item.plain:
                continue
            length = len(self.tops[id(item)])
            given += range(place, place + length - (id(item) in self.ended))
            place += length
        return given


def listed_divergence(logits: Any, tops: list[list[tuple[int, float]]], beta: float) -> Any:
    """Divergence [L] in nats of `logits` [L, vocabulary] from lists of (token, log-probability) and their rest.

    `beta` as in `divergence.divergence`.
    """
    import torch

    longest = max(map(len, tops))
    filled = [[*top, *[(0, NOTHING)] * (longest - len(top))] for top in tops]
    tokens = torch.tensor([[token for token, _ in top] for top in filled], device=logits.device)
    teacher = torch.tensor([[logprob for _, logprob in top] for top in filled], device=logits.device)
    student = logits.float().log_softmax(-1).gather(1, tokens).masked_fill(teacher == NOTHING, NOTHING)
    return divergence(with_rest(student), with_rest(teacher), beta)


def with_rest(logps: Any) -> Any:
    """Log-probabilities [L, k] with one more: of everything that is not among them."""
    import torch

    together = logps.logsumexp(-1, keepdim=True).clamp(max=-1e-7)  # rounded ones may sum to more than 1
    return torch.cat([logps, (-together.expm1()).log()], -1)
