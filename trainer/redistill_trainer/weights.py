"""The base model: loaded from a GGUF file, dequantised to float32, and kept between jobs."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from redistill_trainer.devices import make_deterministic, pick_device
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import sha256_file

# Architectures whose adapter export is known to be right. Only "llama" stores q and k with permuted rows.
ARCHITECTURES = {"llama", "qwen2", "qwen3"}


@dataclass
class Base:
    """A loaded model. `model` is the bare causal language model: adapters are attached to it and removed again."""

    file_name: str
    sha256: str
    architecture: str
    layers: int
    heads: int
    kv_heads: int
    context_length: int
    end_of_turn: int
    model: Any
    tokenizer: Any

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text as it stands: special tokens in it are parsed, and none is added."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


_loaded: tuple[tuple[Any, ...], Base] | None = None


def load_base(path: Path, sha256: str | None = None, device: str = "auto") -> Base:
    """Load a GGUF file, or return the one in memory if the file is still the same.

    Args:
        path: the GGUF file.
        sha256: what its hex sha256 must be; not compared if None.
        device: where to compute, see `devices.pick_device`.

    Raises:
        WorkerError("bad_weights"): missing, damaged, another hash, or an architecture that cannot be exported.
    """
    global _loaded
    device = pick_device(device)
    try:
        stat = os.stat(path)
        key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, device)
        base = _loaded[1] if _loaded and _loaded[0] == key else None
        found = base.sha256 if base else sha256_file(path)
    except OSError as error:
        raise WorkerError("bad_weights", f"the model cannot be read: {error}") from error
    if sha256 and sha256.lower() != found:
        raise WorkerError("bad_weights", f"the sha256 of {path.name} is {found}, not {sha256}")
    if not base:
        _loaded = None  # free the old model before the next one needs the memory
        base = _load(path, found, device)
        _loaded = (key, base)
    return base


def _load(path: Path, sha256: str, device: str) -> Base:
    try:
        with parsed_once():
            facts = read_facts(path)
            model, tokenizer = _load_model(path, device)
    except (WorkerError, MemoryError):
        raise
    except Exception as error:  # the parsers of GGUF files raise whatever a damaged file makes them trip on
        if "memory" in str(error).lower():
            raise
        raise WorkerError("bad_weights", f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error
    return Base(file_name=path.name, sha256=sha256, model=model, tokenizer=tokenizer, **facts)


@contextmanager
def parsed_once() -> Iterator[None]:
    """Let all readers inside share one parse of the file and one table of names: 4 parses and 397 tables otherwise,
    two thirds of the time that loading takes."""
    import gguf

    open_reader = functools.lru_cache(gguf.GGUFReader)
    names = functools.lru_cache(gguf.get_tensor_name_map)
    with (
        patch.object(gguf, "GGUFReader", lambda path: open_reader(str(path))),
        patch.object(gguf, "get_tensor_name_map", names),
    ):
        yield


def read_facts(path: Path) -> dict[str, Any]:
    """What the GGUF header says of architecture, sizes and the end-of-turn token."""
    import gguf

    reader = gguf.GGUFReader(path)

    def value(key: str, default: Any = None) -> Any:
        field = reader.get_field(key)
        if field is None and default is None:
            raise WorkerError("bad_weights", f"{path.name} has no {key}")
        return default if field is None else field.contents()

    architecture = value("general.architecture")
    if architecture not in ARCHITECTURES or value(f"{architecture}.expert_count", 0):
        known = ", ".join(sorted(ARCHITECTURES))
        message = f"adapters for the architecture {architecture} cannot be exported yet; known: {known} (dense)"
        raise WorkerError("bad_weights", message)
    heads = value(f"{architecture}.attention.head_count")
    return {
        "architecture": architecture,
        "layers": value(f"{architecture}.block_count"),
        "heads": heads,
        "kv_heads": value(f"{architecture}.attention.head_count_kv", heads),
        "context_length": value(f"{architecture}.context_length"),
        "end_of_turn": value("tokenizer.ggml.eos_token_id"),
    }


def _load_model(path: Path, device: str) -> tuple[Any, Any]:
    # No look-up on a model hub may delay or change a job whose weights are a local file.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder, name = str(path.resolve().parent), path.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    for mark in ("hf_quantizer", "is_quantized", "quantization_method"):  # it is dequantised: let it be trained
        model.__dict__.pop(mark, None)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.requires_grad_(False)
    make_deterministic(device)
    model.to(device)
    return model, tokenizer
