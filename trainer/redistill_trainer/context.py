"""What an operation of the worker is given besides its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redistill_trainer.errors import WorkerError


def nobody(**fields: Any) -> dict[str, Any]:
    """What a context without a way to ask does when it is asked."""
    raise WorkerError("bad_job", "this training needs rewards, and nobody is there to give them")


@dataclass(frozen=True)
class Context:
    """What an operation may do besides returning: see whether it was cancelled, emit events, and ask whoever sent the
    request for something, with the reply as result."""

    cancelled: Callable[[], bool]
    emit: Callable[..., None]
    ask: Callable[..., dict[str, Any]] = nobody
