"""`train`: from a job file to an adapter folder, resuming what was begun and repeating nothing that is done."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import recover_dir, sha256_file, write_atomic, write_dir_atomic
from redistill_trainer.job import Job, read_examples, read_job
from redistill_trainer.methods import METHODS

MANIFEST_NAME, GGUF_NAME, PEFT_NAME = "manifest.json", "adapter.gguf", "peft"


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
    job.output.mkdir(parents=True, exist_ok=True)

    from redistill_trainer.weights import load_base

    base = load_base(job.model, job.model_sha256, job.device)
    return train_on(job, examples, base, context)


def check_parent(job: Job) -> None:
    """Raise WorkerError("bad_job") if the parent has another rank or alpha than the job."""
    from redistill_trainer.adapter import read_config

    if job.parent is None:
        return
    rank, alpha = read_config(job.parent)
    if rank != job.settings.rank or alpha != job.settings.alpha:
        wanted = f"rank {job.settings.rank} and alpha {job.settings.alpha:g}"
        raise WorkerError("bad_job", f"job.parent has rank {rank} and alpha {alpha:g}, job.settings wants {wanted}")


def train_on(job: Job, examples: list[dict[str, Any]], base: Any, context: Context) -> dict[str, Any]:
    """Train on the loaded base and write the output; the manifest."""
    import torch

    from redistill_trainer import checkpoint
    from redistill_trainer.adapter import attached, load_weights
    from redistill_trainer.loop import Loop

    method = METHODS[job.method].load()
    method.before(job, examples, base, context)
    objective = method(job, examples, base, context)
    meta, resume = checkpoint.begin(job)
    with attached(base, job.settings.rank, job.settings.alpha, job.seed) as model:
        if job.parent:
            load_weights(model, job.parent)
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


def write_output(job: Job, model: Any, base: Any, figures: dict[str, Any]) -> dict[str, Any]:
    """Write adapter folder, GGUF and manifest, each whole or absent, in this order; then drop the checkpoint."""
    from redistill_trainer.adapter import WEIGHTS_NAME, adapter_files, state
    from redistill_trainer.export import write_gguf

    write_dir_atomic(job.output / PEFT_NAME, adapter_files(model, base))
    write_gguf(job.output / GGUF_NAME, state(model), job.settings.alpha, base)
    manifest = {
        "gguf_sha256": sha256_file(job.output / GGUF_NAME),
        "peft_sha256": sha256_file(job.output / PEFT_NAME / WEIGHTS_NAME),
        "job_hash": job.hash,
        **figures,
    }
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
        hashes = {
            "job_hash": job.hash,
            "gguf_sha256": sha256_file(job.output / GGUF_NAME),
            "peft_sha256": sha256_file(job.output / PEFT_NAME / "adapter_model.safetensors"),
        }
        if all(manifest[key] == value for key, value in hashes.items()):
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    os.unlink(path)  # it no longer says the truth
    return None
