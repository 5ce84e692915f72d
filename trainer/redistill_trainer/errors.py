"""Typed failures: what went wrong, and what to do about it."""

from __future__ import annotations

import errno
import re
import traceback
from typing import Literal

Kind = Literal["bad_job", "out_of_memory", "nan_loss", "disk_full", "bad_weights", "weak_reward", "internal"]

DEFAULT_HINTS: dict[str, str] = {
    "bad_job": "Correct the request and send it again.",
    "out_of_memory": "Lower tokens_per_step or rank, or close other programs; the job resumes from its checkpoint.",
    "nan_loss": "Lower learning_rate, or raise warmup_ratio.",
    "disk_full": "Free some space on the disk of the output folder and start the same job again: it resumes.",
    "bad_weights": "Check the path and the sha256 of the GGUF file; download it again if it is damaged.",
    "weak_reward": "Give it more pairs (curate.perTask, generate.attempts), or let the verifier reward.",
    "internal": "This is a bug in the worker; its traceback is on stderr.",
}

# What torch says in place of MemoryError, per device.
OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "not enough memory", "out of memory", "unable to allocate", "bad alloc")
DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
DISK_FULL_TEXTS = ("no space left on device", "storagefull", "disk quota exceeded")
WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # numpy's tofile, which keeps the reason to itself


class WorkerError(Exception):
    """An expected failure; becomes one `error` event.

    Args:
        kind: what failed, one of `Kind`.
        message: what happened, for a person.
        hint: what to do; a default for the kind if not given.
    """

    def __init__(self, kind: Kind, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint or DEFAULT_HINTS[kind]


class Cancelled(Exception):
    """The request was cancelled; becomes one `cancelled` event."""


def classify(error: BaseException) -> WorkerError:
    """Give any exception its kind, looking through the chain of causes. `internal` prints the traceback to stderr."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, WorkerError):
            return seen
        if isinstance(seen, OSError) and seen.errno in DISK_FULL_ERRNOS:
            return WorkerError("disk_full", str(seen))
        text = str(seen).lower()
        if isinstance(seen, MemoryError) or any(part in text for part in OUT_OF_MEMORY_TEXTS):
            return WorkerError("out_of_memory", str(seen).splitlines()[0] if str(seen) else "memory ran out")
        if any(part in text for part in DISK_FULL_TEXTS) or WRITTEN_IN_PART.fullmatch(text):
            return WorkerError("disk_full", str(seen))
        seen = seen.__cause__ or seen.__context__
    traceback.print_exception(type(error), error, error.__traceback__)
    return WorkerError("internal", f"{type(error).__name__}: {error}")
