"""The training methods by name: what their jobs may set, what their examples look like, and what computes their loss."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from redistill_trainer.shape import (
    BOOLEAN,
    CRITIQUES,
    FRACTION,
    NUMBERS,
    POSITIVE_INTEGER,
    POSITIVE_NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TOKENS,
    TOPS,
    WEIGHT,
    Check,
    one_of,
)

PLAIN = {"prompt": TEXT, "completion": TEXT}  # imitated; among the examples of another method it is rehearsed


@dataclass(frozen=True)
class Method:
    """`example` and `options` are shapes, `also` that of a second kind of examples; `objective` is module and class,
    imported when a job needs it."""

    example: dict[str, Check]
    objective: tuple[str, str]
    options: dict[str, Check] = field(default_factory=dict)
    also: dict[str, Check] | None = None

    def shape(self, example: Any) -> dict[str, Check]:
        """What an example must look like: of the kind whose keys it has."""
        for other in (PLAIN, self.also):
            if isinstance(example, dict) and other is not None and set(example) <= set(other):
                return other
        return self.example

    def load(self) -> Any:
        """The class of the objective."""
        module, name = self.objective
        return getattr(importlib.import_module(f"redistill_trainer.{module}"), name)


VIEW = {"prompt": TEXT, "teacher_prompt": TEXT}
ROLLOUT = {"max_tokens": POSITIVE_INTEGER, "temperature": POSITIVE_NUMBER}
TEACHER = {"beta": FRACTION, "teacher": one_of("start", "live", "ema"), "decay": FRACTION, **ROLLOUT}
PAIR = {"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}
PRACTICE = {"prompt": TEXT, "task": TEXT}
GRPO = {"completions": POSITIVE_INTEGER, "beta": WEIGHT, "scale": one_of("group", "none"), **ROLLOUT}
METHODS = {
    "sft": Method({**PLAIN, "weight": POSITIVE_NUMBER}, ("sft", "Imitation")),
    "dpo": Method(PAIR, ("dpo", "DPO"), {"beta": POSITIVE_NUMBER, "sft_weight": WEIGHT}),
    "orpo": Method(PAIR, ("orpo", "ORPO"), {"beta": POSITIVE_NUMBER}),
    "kto": Method(
        {**PLAIN, "label": BOOLEAN},
        ("kto", "KTO"),
        {"beta": POSITIVE_NUMBER, "right_weight": WEIGHT, "wrong_weight": WEIGHT, "sft_weight": WEIGHT},
    ),
    "rrhf": Method({"prompt": TEXT, "completions": TEXTS, "rewards": NUMBERS}, ("rrhf", "RRHF"), {"sft_weight": WEIGHT}),
    "sdft": Method(VIEW, ("divergence", "SelfDistillation"), TEACHER),
    "gkd": Method({**VIEW, "completion": TEXT}, ("divergence", "SelfDistillation"), {**TEACHER, "on_policy": FRACTION}),
    "sdpo": Method(
        {**PRACTICE, "solved": TEXTS, "told": TEXTS, "solution": TEXT_OR_NULL, "critiques": CRITIQUES},
        ("sdpo", "SDPO"),
        {**TEACHER, "completions": POSITIVE_INTEGER, "success": FRACTION},
    ),
    "distill": Method({**PLAIN, "tokens": TOKENS, "top": TOPS}, ("distill", "Distillation"), {"beta": FRACTION}),
    "grpo": Method(PRACTICE, ("grpo", "GRPO"), GRPO),
    "rlaif": Method(
        PRACTICE,
        ("rlaif", "RewardedByModel"),
        {**GRPO, "model_share": FRACTION, "reward_epochs": POSITIVE_INTEGER},
        also=PAIR,
    ),
}
