"""A base and a LoRA adapter as a folder that transformers, vLLM and mlx-lm load: safetensors, config, tokenizer.

In float32, as the trainer computed: half precision would round away a part of what was trained, and whoever loads the
folder can still choose it. One shard of merged weights is in memory beside the base.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import FITTING_BASE, WHOLE_ADAPTER, Cancelled, WorkerError
from redistill_trainer.files import fsync_dir, fsync_file, swap_dir, write_synced

SHARD_BYTES = 2_000_000_000
LORA_NAME = "base_model.model.{}.lora_{}.weight"


def write_folder(path: Path, base: Any, adapter: Path | None, context: Context) -> None:
    """Fill a folder beside `path`, fsync its files and put it in the place of `path`.

    Args:
        base: the loaded model, see `weights.load_base`; it is not changed.
        adapter: a PEFT folder, or None for the base alone.

    Raises:
        Cancelled: between two weights; nothing is left behind.
        WorkerError("bad_weights"): an adapter of another model, or a merged weight that is not finite.
    """
    beside = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        write_weights(beside, base.model, adapter, context)
        write_settings(beside, base)
        for file in beside.iterdir():
            fsync_file(file)
        fsync_dir(beside)
        swap_dir(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_settings(folder: Path, base: Any) -> None:
    """Config, generation config and tokenizer with its chat template."""
    config = copy.deepcopy(base.model.config)
    config.architectures = [type(base.model).__name__]
    config.save_pretrained(folder)
    name_rotation(folder / "config.json")
    base.model.generation_config.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)


def name_rotation(path: Path) -> None:
    """Say the rotary embedding's settings by their names before transformers 5, too.

    mlx-lm's llama and qwen2 and other older readers know no `rope_parameters`, and would rotate by 10,000 without a word.
    """
    config = json.loads(path.read_text(encoding="utf-8"))
    rotation = config.get("rope_parameters") or {}
    if "rope_theta" in rotation:
        config["rope_theta"] = rotation["rope_theta"]
    if rotation.get("rope_type", "default") != "default":
        config["rope_scaling"] = rotation
    write_synced(path, (json.dumps(config, indent=2) + "\n").encode())


def write_weights(folder: Path, model: Any, adapter: Path | None, context: Context) -> None:
    """The merged weights in shards, with their index if there are several; a progress event for each weight."""
    from safetensors.torch import save_file

    weights = dict(model.named_parameters())  # a tied output layer is the embedding, and is there once
    delta = read_deltas(adapter, weights) if adapter else {}
    shards = list(split(weights))
    place, step = {}, 0
    for number, names in enumerate(shards, start=1):
        file = "model.safetensors" if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        merged = {}
        for name in names:
            if context.cancelled():
                raise Cancelled
            merged[name] = merge(name, weights[name].detach().cpu().float(), delta.get(name))
            place[name], step = file, step + 1
            context.emit("progress", step=step, steps=len(weights))
        save_file(merged, folder / file, metadata={"format": "pt"})
    if len(shards) > 1:
        index = {"metadata": {"total_size": sum(map(bytes_of, weights.values()))}, "weight_map": place}
        write_synced(folder / "model.safetensors.index.json", json.dumps(index, indent=2).encode())


def split(weights: dict[str, Any]) -> Iterator[list[str]]:
    """Names in their order, as many at a time as fit a shard."""
    names: list[str] = []
    room = SHARD_BYTES
    for name, weight in weights.items():
        if names and bytes_of(weight) > room:
            yield names
            names, room = [], SHARD_BYTES
        names.append(name)
        room -= bytes_of(weight)
    yield names


def bytes_of(weight: Any) -> int:
    """The size of a weight in float32."""
    return weight.numel() * 4


def read_deltas(adapter: Path, weights: dict[str, Any]) -> dict[str, tuple[Any, Any, float]]:
    """By weight: A [rank, in], B [out, rank] and `alpha / rank` of a PEFT folder.

    Raises WorkerError("bad_weights") if it is damaged or not an adapter of these weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from redistill_trainer.adapter import WEIGHTS_NAME, read_config

    rank, alpha = read_config(adapter)
    try:
        tensors = load_file(adapter / WEIGHTS_NAME)
    except (OSError, SafetensorError) as error:
        raise WorkerError("bad_weights", f"the adapter {adapter} cannot be read: {error}", WHOLE_ADAPTER) from error
    found = {}
    for name, weight in weights.items():
        module = name.removesuffix(".weight")
        a, b = (tensors.pop(LORA_NAME.format(module, part), None) for part in "AB")
        if a is not None and b is not None and (len(b), a.shape[1]) == tuple(weight.shape):
            found[name] = (a.float(), b.float(), alpha / rank)
    if tensors or not found:
        raise WorkerError("bad_weights", f"{adapter} is an adapter of another model: {sorted(tensors)[:1]} fits nothing", FITTING_BASE)
    return found


def merge(name: str, weight: Any, delta: tuple[Any, Any, float] | None) -> Any:
    """A weight with its adapter's change. Raises WorkerError("bad_weights") if the sum is not finite."""
    if delta is None:
        return weight.clone()  # saved beside others, it must not share its memory with them
    a, b, scale = delta
    summed = weight + scale * (b @ a)
    if not summed.isfinite().all():
        raise WorkerError("bad_weights", f"{name} is not finite after merging", WHOLE_ADAPTER)
    return summed
