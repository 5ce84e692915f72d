"""A client of the worker's protocol, and job files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TRAINER = Path(__file__).resolve().parents[1]
SETTINGS = {
    "rank": 4,
    "alpha": 8,
    "epochs": 2,
    "learning_rate": 1e-3,
    "tokens_per_step": 128,
    "warmup_ratio": 0.1,
}


def environment() -> dict[str, str]:
    """The environment of a worker: this package is importable."""
    return {**os.environ, "PYTHONPATH": str(TRAINER), "PYTHONUNBUFFERED": "1"}


class Worker:
    """One worker process. `events` holds everything that it has said."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "redistill_trainer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.events: list[dict[str, Any]] = []
        self._next_id = 0

    def send(self, op: str, **fields: Any) -> str:
        """Send a request; its id."""
        self._next_id += 1
        request_id = fields.pop("id", f"r{self._next_id}")
        self.write(json.dumps({"id": request_id, "op": op, **fields}))
        return request_id

    def write(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any] | None:
        """The next event, or None at the end of the stream."""
        line = self.process.stdout.readline()
        if not line:
            return None
        self.events.append(json.loads(line))
        return self.events[-1]

    def until(self, *events: str, request_id: Any = None) -> dict[str, Any]:
        """Read up to the first event of one of these kinds (and of this request)."""
        while (event := self.read()) is not None:
            if event["event"] in events and (request_id is None or event.get("id") == request_id):
                return event
        raise AssertionError(f"the worker ended (code {self.process.wait()}) before any of {events}")

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its closing event."""
        return self.until("done", "error", "cancelled", request_id=self.send(op, **fields))

    def close(self) -> int:
        """End stdin; the exit code."""
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def render(question: str) -> str:
    """A question in the template of the default model."""
    system = "You are a careful assistant. Answer with the number only."
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def sums(count: int) -> list[dict[str, str]]:
    """Examples: distinct sums with their results."""
    pairs = [(7 + 5 * i, 3 + 11 * i % 37) for i in range(count)]
    return [{"prompt": render(f"Calculate {a} + {b}."), "completion": str(a + b)} for a, b in pairs]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_job(folder: Path, model: Path, examples: list[dict[str, Any]], parent: Path | None = None, **settings: Any) -> Path:
    """Write examples and job file into `folder`; the output goes to `folder/out`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / "examples.jsonl"
    lines.write_text("".join(json.dumps(example) + "\n" for example in examples))
    job = {
        "version": 1,
        "model": str(model),
        "model_sha256": sha256(model),
        "examples": str(lines),
        "examples_sha256": sha256(lines),
        "parent": None if parent is None else str(parent),
        "output": str(folder / "out"),
        "seed": 7,
        "settings": {**SETTINGS, **settings},
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    return path


def write_method_job(
    folder: Path, model: Path, method: str, examples: list[dict[str, Any]], options: dict[str, Any] | None = None, **settings: Any
) -> Path:
    """Like `write_job`, for a method other than sft."""
    return edit_job(write_job(folder, model, examples, **settings), method=method, options=options or {})


def train_here(
    path: Path, base: Any, stop_after: int | None = None, ask: Any = None
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Train on a loaded base in this process: the manifest (None when cancelled after so many steps) and the progress events."""
    from redistill_trainer.context import Context
    from redistill_trainer.errors import Cancelled
    from redistill_trainer.job import read_examples, read_job
    from redistill_trainer.train import train_on

    events: list[dict[str, Any]] = []
    context = Context(
        cancelled=lambda: stop_after is not None and len(events) >= stop_after,
        emit=lambda event, **fields: events.append(fields),
        **({"ask": ask} if ask else {}),
    )
    try:
        job = read_job(str(path))
        job.output.mkdir(parents=True, exist_ok=True)
        return train_on(job, read_examples(job), base, context), events
    except Cancelled:
        return None, events


def assert_resumes(
    folder: Path, base: Any, write: Any, stop_after: int, resumes_at: int | None = None, **asking: Any
) -> dict[str, Any]:
    """Train the job that `write(folder)` makes, once whole and once stopped and resumed: the same bits; the manifest.

    `resumes_at`: the step that comes next, where a job of two phases counts its steps anew."""
    stopped, whole = write(folder / "stopped"), write(folder / "whole")
    assert train_here(stopped, base, stop_after, **asking)[0] is None
    assert list((folder / "stopped/out").glob("**/checkpoint"))
    resumed, events = train_here(stopped, base, **asking)
    assert events[0]["step"] == (resumes_at or stop_after + 1), "it must go on, not start again"
    manifest, _ = train_here(whole, base, **asking)
    for name in ("adapter.gguf", "peft/adapter_model.safetensors"):
        assert (folder / "stopped/out" / name).read_bytes() == (folder / "whole/out" / name).read_bytes()
    assert resumed["metrics"] == manifest["metrics"]
    return manifest


def turn(question: str) -> str:
    """A question in the template of the default model, without a system prompt."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def edit_job(path: Path, **changes: Any) -> Path:
    """Change keys of a job file in place."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path
