"""One training as a process of its own: the lock on its folder, replies by file, SIGTERM, and its events."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helpers import environment, sums, write_job
from redistill_trainer import once
from redistill_trainer.errors import Cancelled, WorkerError


def start(job: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "redistill_trainer.once", str(job)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())


def events(process: subprocess.Popen) -> list[dict]:
    return [json.loads(line) for line in process.stdout]


def read_until(process: subprocess.Popen, wanted: str) -> dict:
    for line in process.stdout:
        if (event := json.loads(line))["event"] == wanted:
            return event
    raise AssertionError(f"it ended without {wanted}")


def test_a_bad_job_is_one_error_event_and_an_exit_code(tmp_path):
    job = tmp_path / "job.json"
    job.write_text("{}")
    process = start(job)
    closing = [event for event in events(process) if event["event"] != "heartbeat"]
    assert [(event["event"], event["kind"]) for event in closing] == [("error", "bad_job")]
    assert process.wait() == 1


def test_sigterm_keeps_a_checkpoint_and_the_next_process_goes_on(tmp_path, model_path):
    job = write_job(tmp_path, model_path, sums(12))
    first = start(job)
    assert read_until(first, "progress")["step"] == 1
    first.send_signal(signal.SIGTERM)
    assert read_until(first, "cancelled") and first.wait() == 1
    assert (tmp_path / "out" / "checkpoint").is_dir()
    second = start(job)
    assert read_until(second, "progress")["step"] > 1
    assert len(read_until(second, "done")["gguf_sha256"]) == 64
    assert second.wait() == 0


def test_waits_for_another_process_that_has_the_job(tmp_path):
    with open(tmp_path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entered = threading.Event()

        def enter():
            with once.alone(tmp_path, lambda: False):
                entered.set()

        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.5)
    assert entered.wait(30)
    thread.join(30)


def test_stops_waiting_when_it_is_cancelled(tmp_path):
    with open(tmp_path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Cancelled), once.alone(tmp_path, lambda: True):
            pass


def test_takes_the_reply_to_its_own_question(tmp_path):
    said = []
    ask = once.asker(tmp_path, lambda: False, lambda event, **fields: said.append((event, fields)))

    def reply():
        while not said:
            time.sleep(0.01)
        (tmp_path / "replies").mkdir()
        (tmp_path / "replies" / "0000000000000000-1.json").write_text('{"rewards": [0]}')
        beside = tmp_path / "replies" / "beside"
        beside.write_text('{"rewards": [1]}')
        os.replace(beside, tmp_path / "replies" / f"{said[0][1]['ask']}.json")

    thread = threading.Thread(target=reply)
    thread.start()
    assert ask(answers=["4"]) == {"rewards": [1]}
    thread.join(30)
    assert said[0][0] == "ask" and said[0][1]["answers"] == ["4"]


def test_gives_up_a_question_that_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(once, "REPLY_SECONDS", 0.3)
    with pytest.raises(WorkerError, match="nobody replied"):
        once.asker(tmp_path, lambda: False, lambda *_, **__: None)()
    with pytest.raises(Cancelled):
        once.asker(tmp_path, lambda: True, lambda *_, **__: None)()
