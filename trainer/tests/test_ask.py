"""Questions in the middle of a request: quick requests are served meanwhile, and a cancelled one stops waiting."""

import threading

import pytest

from redistill_trainer.errors import Cancelled
from redistill_trainer.worker import Requests, asker


class Recorder:
    """Stands for the event stream; `seen` is set by the event that a test waits for."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.seen = {"ask": threading.Event(), "done": threading.Event()}

    def emit(self, event, request_id=None, **fields):
        self.events.append((event, request_id))
        if event in self.seen:
            self.seen[event].set()


def asking(requests, stream, results):
    def run():
        try:
            results.append(asker("r1", requests, stream)(answers=["4"]))
        except Cancelled:
            results.append("cancelled")

    thread = threading.Thread(target=run)
    thread.start()
    assert stream.seen["ask"].wait(30)
    return thread


@pytest.fixture
def requests():
    made = Requests()
    made.add({"id": "r1", "op": "train"})
    made.queue.get()
    return made


def test_a_reply_is_fetched_after_quick_requests_were_served(requests):
    stream, results = Recorder(), []
    thread = asking(requests, stream, results)
    requests.add({"id": "r2", "op": "train"})
    requests.add({"id": "r3", "op": "hello"})
    assert stream.seen["done"].wait(30), "hello is answered while the training waits"
    requests.reply({"id": "r9", "ask": 1, "rewards": [0]})
    requests.reply({"id": "r1", "ask": 2, "rewards": [0]})
    requests.reply({"id": "r1", "ask": 1, "rewards": [1]})
    thread.join(30)
    assert [reply["rewards"] for reply in results] == [[1]]
    assert ("done", "r3") in stream.events
    assert requests.queue.get(timeout=5)["id"] == "r2", "the other training keeps its turn"


def test_a_cancelled_request_stops_waiting(requests):
    stream, results = Recorder(), []
    thread = asking(requests, stream, results)
    requests.cancel("r1")
    thread.join(30)
    assert results == ["cancelled"]
