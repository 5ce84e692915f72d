"""The protocol and the life of the worker process."""

import os
import signal
import subprocess
import sys
import time

from helpers import Worker, environment, sums, write_job

# Starts a worker with our own stdin and stdout, says its pid, and waits to be killed.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "redistill_trainer"])
print(child.pid, file=sys.stderr, flush=True)
time.sleep(600)
"""


def test_hello_says_versions_and_heartbeats_say_memory(worker):
    versions = worker.ask("hello")["versions"]
    assert set(versions) == {"worker", "python", "torch", "transformers", "trl", "peft"}
    assert worker.until("heartbeat")["rss_bytes"] < 200e6, "torch must not be imported before it is needed"


def test_bad_requests_are_answered_and_survived(worker):
    worker.write("not json")
    assert worker.until("error")["kind"] == "bad_job"
    assert "known ops" in worker.ask("dance")["message"]
    assert "hello.more" in worker.ask("hello", more=1)["message"]
    assert worker.ask("train", job="/no/such/job.json")["kind"] == "bad_job"
    worker.send("cancel", id="nobody")
    assert worker.ask("hello")["event"] == "done"


def test_requests_sent_before_the_end_of_stdin_are_answered():
    worker = Worker()
    request = worker.send("hello")
    worker.process.stdin.close()
    assert worker.until("done", request_id=request)
    assert worker.process.wait(timeout=20) == 0


def test_the_end_of_stdin_stops_a_training_at_once(model_path, tmp_path):
    worker = Worker()
    worker.send("train", job=str(write_job(tmp_path, model_path, sums(4))))
    worker.until("heartbeat")
    worker.process.stdin.close()
    assert worker.process.wait(timeout=10) == 0


def test_the_worker_dies_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,  # stays open: it is not the end of stdin that ends the worker
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    child = int(parent.stderr.readline())
    assert b"heartbeat" in parent.stdout.readline()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    """True unless the process is gone or a zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return found != "" and not found.startswith("Z")
