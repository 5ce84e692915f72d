"""All weights of the base, trained in place of an adapter: read from and written as whole GGUF models.

A candidate is one GGUF file in half precision (norms and biases in float32), which the engine runs and a later training
goes on from: there is no copy in float32 that the gate has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import FITTING_BASE, WorkerError
from redistill_trainer.job import Job
from redistill_trainer.weights import Base, forget_base, load_base

STATE_NAME = "model.safetensors"
SILENT = Context(cancelled=lambda: False, emit=lambda event, **fields: None)


@contextmanager
def unfrozen(base: Base) -> Iterator[Any]:
    """Let all weights of the base be trained; yields the bare model.

    Nothing keeps the old ones: at the end the base leaves the memory, and whoever needs it again loads it again.
    """
    base.model.requires_grad_(True)
    try:
        yield base.model
    finally:
        base.model.requires_grad_(False)
        forget_base()


def load_start(job: Job) -> Base:
    """The weights that a full training begins with: the base's, or those of the whole model that is the parent.

    Raises WorkerError("bad_weights") for a parent of another base, and as `load_base` does.
    """
    if job.parent is None:
        return load_base(job.model, job.model_sha256, job.device)
    require_of_base(job.parent, job.model_sha256)
    return load_base(job.parent, None, job.device)


def require_of_base(path: Path, model_sha256: str) -> None:
    """Raise WorkerError("bad_weights") unless a whole model says that it was trained from this base."""
    from redistill_trainer.merged_gguf import read_whole

    if read_whole(path, model_sha256) is None:
        raise WorkerError("bad_weights", f"{path.name} is not a model all of whose weights were trained", FITTING_BASE)


def state(model: Any) -> dict[str, Any]:
    """The weights on the CPU in float32 by their names in transformers, without copying those that are there already; a
    tied output layer is the embedding, and is there once."""
    return {name: weight.detach().cpu().float().contiguous() for name, weight in model.named_parameters()}


def state_files(model: Any) -> dict[str, Callable[[Path], None]]:
    """The weights as a file of a checkpoint, by its name: what writes it."""
    from safetensors.torch import save_file

    return {STATE_NAME: lambda path: save_file(state(model), path)}


def load_state(model: Any, folder: Path) -> None:
    """Copy the weights of a checkpoint into the model. Raises WorkerError("bad_weights") if they are not the model's."""
    from safetensors import SafetensorError, safe_open

    wanted = dict(model.named_parameters())
    try:
        with safe_open(folder / STATE_NAME, "pt") as file:
            if set(file.keys()) != set(wanted):
                raise WorkerError("bad_weights", f"{folder} is a checkpoint of another model")
            for name, weight in wanted.items():
                weight.data.copy_(file.get_tensor(name))
    except (OSError, SafetensorError) as error:
        raise WorkerError("bad_weights", f"the checkpoint {folder} cannot be read: {error}") from error


def write_model(path: Path, model: Any, base: Base, job: Job) -> None:
    """Write the trained weights as a GGUF model, whose header is the base's and says by hash what it was trained from.

    Raises WorkerError: nan_loss (a weight is too large for half precision), bad_weights (they are not the tensors of the
    base's file), disk_full (before anything is written).
    """
    import gguf

    from redistill_trainer.merged import require_room
    from redistill_trainer.merged_gguf import F16_LIMIT, MODEL_NOTE, plan, write_merged

    weights = state(model)
    for name, weight in weights.items():
        if not (largest := weight.abs().max().item()) < F16_LIMIT:
            hint = "Lower learning_rate; a base that has such weights itself can be trained with retrain.weights: lora."
            raise WorkerError("nan_loss", f"{name} has a weight of {largest:g}, more than half precision can hold", hint)
    source = gguf.GGUFReader(job.model)
    planned = plan(source, {}, "f16", trained=in_ggml(weights, base))
    require_room(path.parent, source.data_offset + sum(each.bytes for each in planned))
    write_merged(path, source, planned, "f16", {MODEL_NOTE: job.model_sha256}, SILENT)


def in_ggml(weights: dict[str, Any], base: Base) -> dict[str, Any]:
    """Weights as numpy arrays by ggml's names, the rows of q and k in ggml's order.

    Raises ValueError for a weight that no tensor of the architecture goes by.
    """
    import gguf

    from redistill_trainer.export import permute

    architecture = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == base.architecture)
    names = gguf.get_tensor_name_map(architecture, base.layers)
    found = {}
    for name, weight in weights.items():
        module, _, part = name.rpartition(".")
        target = names.get_name(module)
        if not target:
            raise ValueError(f"no GGUF name for the weight {name}")
        if base.architecture == "llama" and target.endswith(("attn_q", "attn_k")):
            weight = permute(weight, base.heads if target.endswith("attn_q") else base.kv_heads)
        found[f"{target}.{part}"] = weight.contiguous().numpy()
    return found
