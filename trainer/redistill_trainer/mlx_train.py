"""Imitation by mlx-lm, for Apple silicon: the same job, steps, loss and start as with torch, and the same files.

Not proven on such a machine yet (docs/export.md). An interrupted training begins again: it writes no checkpoints.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import Cancelled, WorkerError
from redistill_trainer.job import Job

VERSION = "0.32.2"  # of mlx-lm, against which this was written


def require_mlx(job: Job) -> None:
    """Raise WorkerError("bad_job") if mlx-lm is not installed, or if the job is not one for it."""
    if job.method != "sft":
        message = f"the trainer mlx imitates (sft) and nothing else; this job's method is {job.method}"
        raise WorkerError("bad_job", message, "Set retrain.trainer: torch, or retrain.method: sft.")
    if importlib.util.find_spec("mlx_lm") is None:
        hint = f"On Apple silicon: uv pip install --python {sys.executable} mlx-lm=={VERSION}. Elsewhere set retrain.trainer: torch."
        raise WorkerError("bad_job", "the trainer mlx needs the package mlx-lm, which is not installed", hint)


def train_mlx(job: Job, examples: list[dict[str, Any]], base: Any, context: Context) -> dict[str, Any]:
    """Train on the loaded base and write the output; the manifest. The base leaves torch's memory before.

    Raises WorkerError("nan_loss") and Cancelled, after which nothing is kept.
    """
    from redistill_trainer import weights
    from redistill_trainer.merged_folder import write_folder
    from redistill_trainer.sft import Imitation

    objective = Imitation(job, examples, base, context)
    start = first_weights(job, base)
    folder = job.output / "mlx-base"
    write_folder(folder, base, None, Context(context.cancelled, lambda event, **fields: None))
    weights.forget_base()
    bare = dataclasses.replace(base, model=None)
    try:
        model = load(folder, job, bare.layers, start)
        trained, figures = run(model, objective, job, context)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return write(job, bare, trained, figures)


def first_weights(job: Job, base: Any) -> dict[str, Any]:
    """The adapter that training begins with, as PEFT makes it by the job's seed, or the parent's."""
    from redistill_trainer.adapter import attached, load_weights, state

    with attached(base, job.settings.rank, job.settings.alpha, job.seed) as model:
        if job.parent:
            load_weights(model, job.parent)
        return {name: tensor.numpy().copy() for name, tensor in state(model).items()}


def load(folder: Path, job: Job, layers: int, start: dict[str, Any]) -> Any:
    """mlx-lm's model with LoRA layers in the place of all linear ones, holding these weights."""
    import mlx.core as mx
    from mlx_lm.tuner.utils import linear_to_lora_layers
    from mlx_lm.utils import load_model

    from redistill_trainer.adapter import TARGET_MODULES
    from redistill_trainer.mlx_arrays import to_mlx

    model, _ = load_model(folder)
    model.freeze()
    parts = {name: "mlp" if name in ("gate_proj", "up_proj", "down_proj") else "self_attn" for name in TARGET_MODULES}
    keys = {f"{part}.{name}" for name, part in parts.items()}
    scale = job.settings.alpha / job.settings.rank
    linear_to_lora_layers(model, layers, {"rank": job.settings.rank, "scale": scale, "dropout": 0.0, "keys": keys})
    model.load_weights([(name, mx.array(tensor)) for name, tensor in to_mlx(start).items()], strict=False)
    return model


def run(model: Any, objective: Any, job: Job, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """One optimiser step per step of the objective: the trained weights in PEFT's names, and the manifest's figures."""
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optimizers
    import numpy
    from mlx.utils import tree_flatten

    from redistill_trainer.mlx_arrays import batch, learning_rate, to_peft

    def loss_of(model: Any, ids: Any, targets: Any, counts: Any) -> Any:
        losses = nn.losses.cross_entropy(model(ids), targets, reduction="none")
        return (losses * counts).sum() / counts.sum()

    optimizer = optimizers.Adam(learning_rate=0.0, betas=[0.9, 0.999], eps=1e-8, bias_correction=True)
    gradients_of = nn.value_and_grad(model, loss_of)
    steps, losses, started, done = len(objective.steps), [], time.monotonic(), 0
    tokens = [objective.tokens(pack) for _, pack in objective.steps]
    for step, (epoch, pack) in enumerate(objective.steps):
        if context.cancelled():
            raise Cancelled
        items = [objective.items[index] for index in pack]
        arrays = batch([item.sequences[0] for item in items], [item.example.get("weight", 1.0) for item in items])
        loss, gradients = gradients_of(model, *map(mx.array, arrays))
        gradients, _ = optimizers.clip_grad_norm(gradients, max_norm=1.0)
        optimizer.learning_rate = learning_rate(step, steps, job.settings)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise WorkerError("nan_loss", f"the loss of step {step + 1} is {losses[-1]}")
        done += tokens[step]
        speed = done / max(time.monotonic() - started, 1e-9)
        context.emit(
            "progress",
            step=step + 1,
            steps=steps,
            epoch=epoch + 1,
            loss=losses[-1],
            tokens=done,
            tokens_per_second=round(speed, 1),
            eta_seconds=round((sum(tokens) - done) / speed, 1),
        )
    trained = {name: numpy.array(tensor) for name, tensor in tree_flatten(model.trainable_parameters())}
    if not all(numpy.isfinite(tensor).all() for tensor in trained.values()):
        raise WorkerError("nan_loss", "the trained weights are not finite")
    return to_peft(trained), {
        "steps": steps,
        "tokens": done,
        "label_tokens": sum(objective.labels(pack) for _, pack in objective.steps),
        "seconds": round(time.monotonic() - started, 3),
        "final_loss": losses[-1],
        "first_loss": losses[0],
    }


def write(job: Job, base: Any, trained: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """Write the files that every training writes; the manifest."""
    import torch

    from redistill_trainer.adapter import lora_config, peft_files
    from redistill_trainer.train import write_files

    tensors = {name: torch.from_numpy(trained[name]) for name in sorted(trained)}
    config = lora_config(job.settings.rank, job.settings.alpha)
    return write_files(job, peft_files(tensors, config, base), tensors, base, figures)
