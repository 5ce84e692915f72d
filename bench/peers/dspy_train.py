"""What DSPy's provider calls to train: LoRA on conversations, in the trainer's environment, which DSPy's own is not.

usage: dspy_train.py <job.json> <figures.json> <adapter.gguf>
The job has rows (messages, the last one the answer), weights, seed and end (seconds since the epoch).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from common import ALPHA, load
from sft import train_sft


def main(job_path: str, figures_path: str, adapter_path: str) -> None:
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    base = load(job)
    from redistill_trainer.adapter import state
    from redistill_trainer.export import write_gguf

    rows = [{"prompt": row["messages"][:-1], "completion": row["messages"][-1:]} for row in job["rows"]]
    model, figures = train_sft(base, rows, job["end"], job["seed"])
    write_gguf(Path(adapter_path), state(model), ALPHA, base)
    Path(figures_path).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
