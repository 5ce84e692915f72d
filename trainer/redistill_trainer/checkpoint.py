"""Checkpoints: everything a killed training needs to end with the same bits, in a folder that is whole or absent."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redistill_trainer.adapter import adapter_files, is_adapter, load_weights
from redistill_trainer.files import recover_dir, write_dir_atomic
from redistill_trainer.full import load_state, state_files
from redistill_trainer.job import Job
from redistill_trainer.weights import Base

META_NAME = "redistill.json"


@dataclasses.dataclass
class Meta:
    """Our own part of a checkpoint: whose it is, and what the manifest says of the steps before it."""

    job_hash: str
    step: int = 0
    seconds: float = 0.0
    first_loss: float = 0.0
    last_loss: float = 0.0
    first_metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    last_metrics: dict[str, float] = dataclasses.field(default_factory=dict)


def save(path: Path, trainer: Any, base: Base, meta: Meta) -> None:
    """Write the checkpoint of a `transformers` Trainer, in the layout that its own resume reads.

    Raises OSError; the last good checkpoint is then still there.
    """
    import numpy
    import torch

    generators: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": numpy.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        generators["cuda"] = torch.cuda.random.get_rng_state()
    files = {
        **(adapter_files(trainer.model, base) if is_adapter(trainer.model) else state_files(trainer.model)),
        "optimizer.pt": saved(trainer.optimizer.state_dict()),
        "scheduler.pt": saved(trainer.lr_scheduler.state_dict()),
        "rng_state.pth": saved(generators),
        "trainer_state.json": json.dumps(dataclasses.asdict(trainer.state), sort_keys=True).encode(),
        **trainer.objective.files(),
        META_NAME: json.dumps(dataclasses.asdict(meta)).encode(),
    }
    write_dir_atomic(path, files)


def load(path: Path, model: Any) -> None:
    """Give the model the weights of a checkpoint."""
    if is_adapter(model):
        load_weights(model, path)
    else:
        load_state(model, path)


def find(path: Path, job_hash: str) -> Meta | None:
    """The meta of the checkpoint at `path` if it belongs to this job; one of another job is deleted."""
    recover_dir(path)
    try:
        meta = Meta(**json.loads((path / META_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        meta = None
    if meta is None or meta.job_hash != job_hash:
        shutil.rmtree(path, ignore_errors=True)
        return None
    return meta


def begin(job: Job) -> tuple[Meta, str | None]:
    """The meta to go on from, and the checkpoint's folder; a new one, and None, where there is no checkpoint of the job."""
    path = job.output / "checkpoint"
    meta = find(path, job.hash)
    return (meta, str(path)) if meta else (Meta(job.hash), None)


def saved(value: Any) -> Callable[[Path], None]:
    """`torch.save` through a file of Python's, since its own file writer reports a full disk as a corrupt archive."""
    import torch

    def write(path: Path) -> None:
        with open(path, "wb") as file:
            torch.save(value, file)

    return write
