"""`train`: from a job file to an adapter folder or a whole model, resuming what was begun and repeating nothing that is
done."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import recover_dir, sha256_file, write_atomic, write_dir_atomic
from redistill_trainer.job import Job, read_examples, read_job
from redistill_trainer.methods import METHODS
from redistill_trainer.mlx_train import require_mlx, train_mlx

MANIFEST_NAME, GGUF_NAME, PEFT_NAME = "manifest.json", "adapter.gguf", "peft"
MODEL_NAME = "model.gguf"  # in the place of the other two where all weights are trained


def train(job_path: str, context: Context) -> dict[str, Any]:
    """Train as the job file says and return the manifest, which is written last.

    A finished output is answered with its manifest; a started one goes on from its checkpoint.
    Raises WorkerError (every kind) and Cancelled, after which a checkpoint is kept if any step was made.
    """
    job = read_job(job_path)
    if finished := read_manifest(job):
        return finished
    examples = read_examples(job)
    check_parent(job)
    if job.trainer == "mlx":
        require_mlx(job)
    job.output.mkdir(parents=True, exist_ok=True)

    from redistill_trainer.full import load_start
    from redistill_trainer.weights import load_base

    base = load_start(job) if job.weights == "full" else load_base(job.model, job.model_sha256, job.device)
    if job.trainer == "mlx":
        return train_mlx(job, examples, base, context)
    return train_on(job, examples, base, context)


def check_parent(job: Job) -> None:
    """Raise WorkerError("bad_job") if the parent has another rank or alpha than the job."""
    from redistill_trainer.adapter import read_config

    if job.parent is None or job.weights == "full":
        return
    rank, alpha = read_config(job.parent)
    if rank != job.settings.rank or alpha != job.settings.alpha:
        wanted = f"rank {job.settings.rank} and alpha {job.settings.alpha:g}"
        raise WorkerError("bad_job", f"job.parent has rank {rank} and alpha {alpha:g}, job.settings wants {wanted}")


def train_on(job: Job, examples: list[dict[str, Any]], base: Any, context: Context) -> dict[str, Any]:
    """Train on the loaded base and write the output; the manifest."""
    import torch

    from redistill_trainer import checkpoint
    from redistill_trainer.loop import Loop

    method = METHODS[job.method].load()
    method.before(job, examples, base, context)
    objective = method(job, examples, base, context)
    meta, resume = checkpoint.begin(job)
    with at_start(job, base) as model:
        objective.prepare(model)  # before a checkpoint is loaded: these are the weights that it began with
        Loop(model, base, job, objective, meta, context).train(resume_from_checkpoint=resume)
        if not all(torch.isfinite(weight).all() for weight in model.parameters() if weight.requires_grad):
            raise WorkerError("nan_loss", "the trained weights are not finite")
        changes = {name: [meta.first_metrics.get(name), last] for name, last in meta.last_metrics.items()}
        return write_output(job, model, base, {
            "steps": len(objective.steps),
            "tokens": sum(objective.tokens(pack) for _, pack in objective.steps),
            "label_tokens": sum(objective.labels(pack) for _, pack in objective.steps),
            "seconds": round(meta.seconds, 3),
            "final_loss": meta.last_loss,
            "first_loss": meta.first_loss,
            **({"metrics": changes} if changes else {}),
            **objective.figures(),
        })  # fmt: skip


@contextmanager
def at_start(job: Job, base: Any) -> Iterator[Any]:
    """The model with the weights that training begins with: an adapter's, which is attached here, or all of the base's."""
    from redistill_trainer.adapter import attached, load_weights
    from redistill_trainer.full import unfrozen

    if job.weights == "full":
        with unfrozen(base) as model:
            yield model
        return
    with attached(base, job.settings.rank, job.settings.alpha, job.seed) as model:
        if job.parent:
            load_weights(model, job.parent)
        yield model


def write_output(job: Job, model: Any, base: Any, figures: dict[str, Any]) -> dict[str, Any]:
    """Write what was trained, and the manifest."""
    from redistill_trainer.adapter import adapter_files, state
    from redistill_trainer.full import write_model

    if job.weights == "full":
        write_model(job.output / MODEL_NAME, model, base, job)
        return write_manifest(job, {"weights": "full", "gguf_sha256": sha256_file(job.output / MODEL_NAME)}, figures)
    return write_files(job, adapter_files(model, base), state(model), base, figures)


def write_files(job: Job, files: dict[str, bytes], tensors: Any, base: Any, figures: dict[str, Any]) -> dict[str, Any]:
    """Write adapter folder, GGUF and manifest, each whole or absent, in this order."""
    from redistill_trainer.adapter import WEIGHTS_NAME
    from redistill_trainer.export import write_gguf

    write_dir_atomic(job.output / PEFT_NAME, files)
    write_gguf(job.output / GGUF_NAME, tensors, job.settings.alpha, base)
    hashes = {
        "gguf_sha256": sha256_file(job.output / GGUF_NAME),
        "peft_sha256": sha256_file(job.output / PEFT_NAME / WEIGHTS_NAME),
    }
    return write_manifest(job, hashes, figures)


def write_manifest(job: Job, hashes: dict[str, str], figures: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of files that are in place, then drop the checkpoint."""
    manifest = {**hashes, "job_hash": job.hash, **figures}
    write_atomic(job.output / MANIFEST_NAME, (json.dumps(manifest, indent=2) + "\n").encode())
    shutil.rmtree(job.output / "checkpoint", ignore_errors=True)
    return manifest


def read_manifest(job: Job) -> dict[str, Any] | None:
    """The manifest of this very job if the files that it names are there and whole, else None."""
    path: Path = job.output / MANIFEST_NAME
    if not path.exists():
        return None
    recover_dir(job.output / PEFT_NAME)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        hashes = {"job_hash": job.hash}
        if job.weights == "full":
            hashes["gguf_sha256"] = sha256_file(job.output / MODEL_NAME)
        else:
            hashes["gguf_sha256"] = sha256_file(job.output / GGUF_NAME)
            hashes["peft_sha256"] = sha256_file(job.output / PEFT_NAME / "adapter_model.safetensors")
        if all(manifest[key] == value for key, value in hashes.items()):
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    os.unlink(path)  # it no longer says the truth
    return None
