"""`python -m redistill_trainer.once <job.json>`: one training as a process of its own, for a cluster that starts it.

Events go to stdout, as from the worker. There is no stdin to reply on: the replies to questions are files beside the
job, `replies/<ask>.json`. SIGTERM cancels, and a checkpoint is kept.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import Cancelled, WorkerError
from redistill_trainer.life import start_heartbeat
from redistill_trainer.stream import EventStream
from redistill_trainer.worker import close_with

HEARTBEAT_SECONDS = 10.0  # each one is a line of a log that is read over a network
POLL_SECONDS = 0.2
REPLY_SECONDS = 900.0  # a controller that is gone for longer finds a checkpoint, and no accelerator is held for it
REQUEST_ID = "once"


@contextmanager
def alone(job_folder: Path, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Hold the job's lock, and wait for it as long as another process does: one on a node that the cluster believes
    lost may still train. Whoever gets it later finds what the other one finished. Raises Cancelled."""
    with open(job_folder / "lock", "w", encoding="ascii") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancelled():
                    raise Cancelled from None
                time.sleep(POLL_SECONDS)
        yield


def asker(job_folder: Path, cancelled: Callable[[], bool], emit: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """A function that emits an `ask` event and waits for the file with its reply.

    Questions are numbered per process: the reply to an earlier one's must not be taken for this one's.
    """
    process, count = secrets.token_hex(8), 0

    def ask(**fields: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        name = f"{process}-{count}"
        emit("ask", ask=name, **fields)
        reply, late = job_folder / "replies" / f"{name}.json", time.monotonic() + REPLY_SECONDS
        while not reply.exists():
            if cancelled():
                raise Cancelled
            if time.monotonic() > late:
                raise WorkerError("internal", f"nobody replied for {REPLY_SECONDS:g} s", "Resume the run: it goes on.")
            time.sleep(POLL_SECONDS)
        return json.loads(reply.read_text(encoding="utf-8"))

    return ask


def main() -> int:
    """Train once. Returns 0 if the adapter is there, else 1."""
    job_path, stopping = Path(sys.argv[1]), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    stream = EventStream()
    start_heartbeat(stream, HEARTBEAT_SECONDS)
    emit = lambda event, **fields: stream.emit(event, REQUEST_ID, **fields)  # noqa: E731
    context = Context(stopping.is_set, emit, asker(job_path.parent, stopping.is_set, emit))

    def work() -> dict[str, Any]:
        from redistill_trainer.train import train

        with alone(job_path.parent, stopping.is_set):
            return train(str(job_path), context)

    return 0 if close_with(work, REQUEST_ID, stream) == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
