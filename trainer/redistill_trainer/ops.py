"""The operations of the worker by name; each imports what it needs when it is first asked."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from redistill_trainer import __version__
from redistill_trainer.context import Context
from redistill_trainer.shape import LIST, OBJECT, POSITIVE_INTEGER, INTEGER, TEXT, TEXT_OR_NULL, TEXTS, require

PACKAGES = ("torch", "transformers", "trl", "peft")


def hello(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Versions of this worker, of Python and of the packages, without importing them."""
    require(fields, "hello", {})
    found = {name: version(name) for name in PACKAGES}
    return {"versions": {"worker": __version__, "python": platform.python_version(), **found}}


def train(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Train an adapter as the job file says; the manifest."""
    require(fields, "train", {"job": TEXT})
    from redistill_trainer.train import train as run

    return run(fields["job"], context)


def answer(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answer prompts greedily; see `redistill_trainer.answer`."""
    shape = {"model": TEXT, "adapter": TEXT_OR_NULL, "prompts": TEXTS, "max_tokens": POSITIVE_INTEGER}
    require(fields, "answer", shape)
    from redistill_trainer.answer import answer_prompts

    return {"answers": answer_prompts(**fields, cancelled=context.cancelled)}


def tasks(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Make tasks of a reasoning-gym dataset; see `redistill_trainer.tasks`."""
    require(fields, "tasks", {"dataset": TEXT, "config": OBJECT, "size": POSITIVE_INTEGER, "seed": INTEGER})
    from redistill_trainer.tasks import make_tasks

    return {"tasks": make_tasks(**fields)}


def score(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Score answers to reasoning-gym tasks; see `redistill_trainer.tasks`."""
    require(fields, "score", {"dataset": TEXT, "config": OBJECT, "items": LIST})
    from redistill_trainer.tasks import score_answers

    return {"scores": score_answers(**fields)}


OPS: dict[str, Callable[[dict[str, Any], Context], dict[str, Any]]] = {
    "hello": hello,
    "train": train,
    "answer": answer,
    "tasks": tasks,
    "score": score,
}
HEAVY = {"train", "answer"}  # not worth finishing once nobody reads the events
