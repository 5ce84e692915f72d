"""What an operation of the worker is given besides its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """What an operation may do besides returning: ask whether it was cancelled, and emit events."""

    cancelled: Callable[[], bool]
    emit: Callable[..., None]
