"""Reads requests, runs them one after the other, and answers each with exactly one closing event."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from redistill_trainer import ops
from redistill_trainer.context import Context
from redistill_trainer.errors import Cancelled, WorkerError, classify
from redistill_trainer.life import die_with_parent, start_heartbeat
from redistill_trainer.stream import EventStream


class Requests:
    """Requests read from stdin, in order, with those among them that were cancelled."""

    def __init__(self) -> None:
        self.queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._open: dict[Any, threading.Event] = {}
        self._heavy = 0
        self._lock = threading.Lock()
        self._replies: dict[tuple[Any, int], dict[str, Any]] = {}

    def add(self, request: dict[str, Any]) -> bool:
        """Queue a request. False, and nothing queued, if another with its id is still open."""
        with self._lock:
            if request["id"] in self._open:
                return False
            self._open[request["id"]] = threading.Event()
            self._heavy += request["op"] in ops.HEAVY
        self.queue.put(request)
        return True

    def cancel(self, request_id: Any) -> None:
        """Mark an open request as cancelled; one that is closed or unknown is left alone."""
        with self._lock:
            if request_id in self._open:
                self._open[request_id].set()

    def cancelled(self, request_id: Any) -> Callable[[], bool]:
        """A function that tells whether the request has been cancelled."""
        return self._open[request_id].is_set

    def reply(self, reply: dict[str, Any]) -> None:
        """Keep the reply to a question of an open request until it is fetched."""
        with self._lock:
            if reply["id"] in self._open and isinstance(reply.get("ask"), int):
                self._replies[(reply["id"], reply["ask"])] = reply

    def take_reply(self, request_id: Any, ask: int) -> dict[str, Any] | None:
        """The reply to a question, once."""
        with self._lock:
            return self._replies.pop((request_id, ask), None)

    def close(self, request: dict[str, Any]) -> None:
        """Forget a request that has had its closing event."""
        with self._lock:
            del self._open[request["id"]]
            self._heavy -= request["op"] in ops.HEAVY

    def end(self) -> None:
        """stdin has ended: stop at once if a training or an answer is open, else after the last request."""
        with self._lock:
            heavy = self._heavy
        if heavy:
            os._exit(0)
        self.queue.put(None)


def parse(line: str) -> dict[str, Any]:
    """Parse one request line. Raises WorkerError("bad_job"), its text starting with what is wrong."""
    try:
        request = json.loads(line)
    except ValueError as error:
        raise WorkerError("bad_job", f"the request is not JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("id"), (str, int)):
        raise WorkerError("bad_job", "the request must be an object with an id (a text or an integer)")
    if not isinstance(request.get("op"), str) or (request["op"] not in ops.OPS and request["op"] not in ("cancel", "reply")):
        known = ", ".join([*ops.OPS, "cancel", "reply"])
        raise WorkerError("bad_job", f"unknown op {request.get('op')!r:.80}; known ops: {known}")
    return request


def read_requests(requests: Requests, stream: EventStream) -> None:
    """Read stdin to its end. A line that is no request is answered at once with an error event."""
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            request = parse(line)
            if request["op"] == "cancel":
                requests.cancel(request["id"])
            elif request["op"] == "reply":
                requests.reply(request)
            elif not requests.add(request):
                raise WorkerError("bad_job", f"a request with the id {request['id']!r} is still open")
        except WorkerError as error:
            emit_error(stream, request_id_of(line), error)
    requests.end()


def request_id_of(line: str) -> Any:
    """The id in a line that may be no valid request, or None."""
    try:
        found = json.loads(line)
        return found.get("id") if isinstance(found, dict) else None
    except ValueError:
        return None


def emit_error(stream: EventStream, request_id: Any, error: WorkerError) -> None:
    """Emit the closing event of a request that failed."""
    stream.emit("error", request_id, kind=error.kind, message=error.message, hint=error.hint)


def run(request: dict[str, Any], requests: Requests, stream: EventStream) -> None:
    """Run one request to its closing event."""
    request_id, cancelled = request["id"], requests.cancelled(request["id"])
    fields = {key: value for key, value in request.items() if key not in ("id", "op")}

    def work() -> dict[str, Any]:
        if cancelled():
            raise Cancelled
        context = Context(
            cancelled,
            lambda event, **values: stream.emit(event, request_id, **values),
            asker(request_id, requests, stream),
        )
        return ops.OPS[request["op"]](fields, context)

    close_with(work, request_id, stream, lambda: requests.close(request))


def close_with(
    work: Callable[[], dict[str, Any]], request_id: Any, stream: EventStream, before: Callable[[], None] = lambda: None
) -> str:
    """Do the work of a request and emit its one closing event; `before` is called ahead of that. The event's name."""
    try:
        result = work()
    except Cancelled:
        before()
        stream.emit("cancelled", request_id)
        return "cancelled"
    except Exception as error:  # the boundary: every failure becomes a typed event
        failure = classify(error)
        before()
        emit_error(stream, request_id, failure)
        return "error"
    before()
    stream.emit("done", request_id, **result)
    return "done"


def asker(request_id: Any, requests: Requests, stream: EventStream) -> Callable[..., dict[str, Any]]:
    """A function that emits an `ask` event and waits for its reply.

    Whoever replies may need this very worker for it (to score answers to reasoning-gym tasks), so quick requests are
    served meanwhile; trainings keep their turn.
    """
    count = 0

    def ask(**fields: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        stream.emit("ask", request_id, ask=count, **fields)
        cancelled, later = requests.cancelled(request_id), []
        try:
            while (reply := requests.take_reply(request_id, count)) is None:
                if cancelled():
                    raise Cancelled
                try:
                    other = requests.queue.get(timeout=0.05)
                except queue.Empty:
                    continue
                if other is not None and other["op"] not in ops.HEAVY:
                    run(other, requests, stream)
                else:
                    later.append(other)
        finally:
            for other in later:
                requests.queue.put(other)
        return reply

    return ask


def main() -> int:
    """Serve requests until stdin ends. Returns the exit code of the process."""
    die_with_parent()
    stream = EventStream()
    start_heartbeat(stream)
    requests = Requests()
    reader = threading.Thread(target=read_requests, args=(requests, stream), name="requests", daemon=True)
    reader.start()
    while (request := requests.queue.get()) is not None:
        run(request, requests, stream)
    return 0
