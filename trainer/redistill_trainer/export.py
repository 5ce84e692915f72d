"""A LoRA adapter as a GGUF file for llama.cpp, in float32. The same weights give the same bytes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from redistill_trainer.files import fsync_dir, fsync_file
from redistill_trainer.weights import Base

NAME = re.compile(r"base_model\.model\.(model\.layers\.\d+\.[a-z_.]+)\.lora_([AB])\.weight")


def write_gguf(path: Path, tensors: dict[str, Any], alpha: float, base: Base) -> None:
    """Write the adapter beside `path`, fsync it and rename it.

    Args:
        path: the file to write.
        tensors: PEFT's names to tensors, see `adapter.state`; lora_A is [rank, in], lora_B is [out, rank].
        alpha: llama.cpp adds `alpha / rank * B @ A`.
        base: the model that the adapter belongs to.

    Raises:
        ValueError: a tensor that no layer of the architecture goes by.
    """
    import gguf

    beside = path.with_name(f".{path.name}.tmp")
    writer = gguf.GGUFWriter(beside, base.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(alpha))
    architecture = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == base.architecture)
    names = gguf.get_tensor_name_map(architecture, base.layers)
    for name in sorted(tensors):
        match = NAME.fullmatch(name)
        target = names.get_name(match[1]) if match else None
        if not target:
            raise ValueError(f"no GGUF name for the adapter tensor {name}")
        tensor = tensors[name].float()
        if match[2] == "B" and base.architecture == "llama" and target.endswith(("attn_q", "attn_k")):
            tensor = permute(tensor, base.heads if target.endswith("attn_q") else base.kv_heads)
        writer.add_tensor(f"{target}.weight.lora_{match[2].lower()}", tensor.contiguous().numpy())
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    fsync_file(beside)
    os.replace(beside, path)
    fsync_dir(path.parent)


def permute(rows: Any, heads: int) -> Any:
    """Reorder the output rows [out, rank] of q or k from halves (transformers) to pairs (ggml's rotary layout)."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)
