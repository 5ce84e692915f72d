"""SDPO (Hübotter et al. 2026, arXiv 2601.20802): answers are sampled, and the same weights with feedback in view teach them.

To each question a group of answers is sampled from the model as it is. The teacher of an answer reads it under a prompt
that also holds another answer of the group that earned `success` (else a right one that the round had before), or,
where there is none, what the verifier found in this very answer or what a critique said of it. What has neither teaches
nothing in this step. The loss is the divergence from that teacher on the sampled tokens, over the whole vocabulary, as in
`divergence.py`; answers are used once, so that importance weights are 1. TRL's trainer takes successes in the same way
(`success_reward_threshold`; an answer is never its own demonstration) and feedback as with
`environment_feedback_only_without_solution`.
"""

from __future__ import annotations

import random
from typing import Any

from redistill_trainer.divergence import SelfDistillation
from redistill_trainer.grpo import practice_item
from redistill_trainer.objective import Item, Objective
from redistill_trainer.packing import Sequence
from redistill_trainer.rollout import Judged, judge, roll_out


class SDPO(SelfDistillation):
    """An example is a prompt, the name of its task, and the teacher's prompts with places for what it is shown."""

    def item(self, example: dict[str, Any], number: int) -> Item:
        if set(example) == {"prompt", "completion"}:
            return Objective.item(self, example, number)
        return practice_item(example, number, self.base, self.job.options["max_tokens"])

    def size(self, item: Item) -> int:
        options = self.job.options
        return item.tokens if item.plain else item.tokens + options["completions"] * options["max_tokens"]

    def labels(self, pack: list[int]) -> int:
        options, items = self.job.options, [self.items[index] for index in pack]
        answers = options["completions"] * options["max_tokens"]
        return sum(item.sequences[0].labels if item.plain else answers for item in items)

    def views(self, model: Any, own: list[Item], step: int) -> tuple[list[Sequence], list[Sequence]]:
        """Answers that can be taught something: under the student's prompt, and under the teacher's."""
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
        owners = [item for item in own for _ in range(options["completions"])]
        judged = judge(self.context, self.base, rolled, [item.example["task"] for item in owners])
        graded = [each.reward for each in judged if each.reward is not None]
        pairs = []
        for place, (item, sequence) in enumerate(zip(owners, rolled)):
            start = place - place % options["completions"]
            group = judged[start : start + options["completions"]]
            text = feedback(item.example, group, place - start, options["success"])
            if text is None:
                continue
            prompt = self.base.tokenize(text)
            answer = sequence.ids[sequence.prompt_length :]
            if len(prompt) + len(answer) <= self.base.context_length:
                pairs.append((sequence, Sequence([*prompt, *answer], len(prompt))))
        self.metrics = {"reward": sum(graded) / max(len(graded), 1), "taught": len(pairs) / len(rolled)}
        return [seen for seen, _ in pairs], [shown for _, shown in pairs]


def feedback(example: dict[str, Any], group: list[Judged], place: int, success: float) -> str | None:
    """The teacher's prompt for the answer at `place` of its group; None where there is nothing to show it."""
    others = [each.answer for at, each in enumerate(group) if at != place and (each.reward or 0) >= success]
    solution = others[0] if others else example["solution"]
    if solution is not None:
        return filled(example["solved"], {"solution": solution})
    own = group[place]
    if (own.reward or 0) >= success:
        return None
    finding = dict(map(tuple, example["critiques"])).get(own.answer, own.finding)
    return filled(example["told"], {"answer": own.answer, "finding": finding}) if finding else None


def filled(parts: list[str], values: dict[str, str]) -> str:
    """A prompt whose parts are text and the name of a value by turns."""
    return "".join(values[part] if index % 2 else part for index, part in enumerate(parts))
