"""The operations of the worker by name; each imports what it needs when it is first asked."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from redistill_trainer import __version__
from redistill_trainer.context import Context
from redistill_trainer.shape import INTEGER, LIST, OBJECT, POSITIVE_INTEGER, TEXT, TEXT_OR_NULL, TEXTS, one_of, require

EXPORT_SHAPE = {
    "model": TEXT,
    "model_sha256": TEXT,
    "adapter": TEXT_OR_NULL,
    "adapter_sha256": TEXT_OR_NULL,
    "type": one_of("f16", "q8_0", "base", "safetensors"),
    "output": TEXT,
}
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


def export(fields: dict[str, Any], context: Context) -> dict[str, Any]:
    """Write base and adapter as one model; the manifest. See `redistill_trainer.merged`."""
    require(fields, "export", EXPORT_SHAPE)
    from redistill_trainer.merged import export_merged

    return export_merged(**fields, context=context)


OPS: dict[str, Callable[[dict[str, Any], Context], dict[str, Any]]] = {
    "hello": hello,
    "train": train,
    "answer": answer,
    "tasks": tasks,
    "score": score,
    "export": export,
}
HEAVY = {"train", "answer", "export"}  # not worth finishing once nobody reads the events
