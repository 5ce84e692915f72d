"""LoRA adapters on the base model: attached, read, written and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redistill_trainer.errors import WorkerError
from redistill_trainer.weights import Base

TARGET_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WEIGHTS_NAME, CONFIG_NAME = "adapter_model.safetensors", "adapter_config.json"


@contextmanager
def attached(base: Base, rank: int, alpha: float, seed: int = 0) -> Iterator[Any]:
    """Attach a new LoRA (A random by `seed`, B zero) to all linear layers; detach it at the end, whatever happens.

    Yields the PeftModel. The effect on a weight is `alpha / rank * B @ A`.
    """
    import torch
    from peft import get_peft_model

    torch.manual_seed(seed)
    model = get_peft_model(base.model, lora_config(rank, alpha))
    try:
        yield model
    finally:
        model.unload()
        base.model.requires_grad_(False)
        base.model.__dict__.pop("forward", None)  # TRL patches the instance and would patch its own patch next time


def is_adapter(model: Any) -> bool:
    """Whether an adapter is trained on a frozen base, and not all weights."""
    return hasattr(model, "peft_config")


def lora_config(rank: int, alpha: float) -> Any:
    """PEFT's config of a plain LoRA on all linear layers."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=TARGET_MODULES, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )


def read_config(folder: Path) -> tuple[int, float]:
    """Rank and alpha of a PEFT adapter. Raises WorkerError("bad_job") if it is not a plain LoRA of our kind."""
    try:
        config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
        rank, alpha, modules = config["r"], float(config["lora_alpha"]), config["target_modules"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkerError("bad_job", f"{folder} is not a PEFT LoRA adapter: {error}") from error
    if set(modules) != set(TARGET_MODULES) or config.get("use_rslora") or config.get("use_dora"):
        raise WorkerError("bad_job", f"{folder} is not a plain LoRA on {', '.join(TARGET_MODULES)}")
    return rank, alpha


def load_weights(model: Any, folder: Path) -> None:
    """Copy the weights of an adapter folder into the attached LoRA.

    Raises WorkerError("bad_weights") if the file is damaged, or lacks or has other tensors than the model.
    """
    from peft import set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / WEIGHTS_NAME)
        wanted, found = state(model), {name: tensor.shape for name, tensor in tensors.items()}
        if found != {name: tensor.shape for name, tensor in wanted.items()}:
            raise WorkerError("bad_weights", f"{folder} is an adapter of another model or rank")
    except (OSError, SafetensorError) as error:
        raise WorkerError("bad_weights", f"the adapter {folder} cannot be read: {error}") from error
    set_peft_model_state_dict(model, tensors)


def state(model: Any) -> dict[str, Any]:
    """The LoRA tensors on the CPU under PEFT's names, sorted: lora_A is [rank, in], lora_B is [out, rank]."""
    from peft import get_peft_model_state_dict

    found = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: found[name].detach().cpu().contiguous() for name in sorted(found)}


def adapter_files(model: Any, base: Base) -> dict[str, bytes]:
    """The two files of the PEFT adapter folder of an attached LoRA, by name."""
    return peft_files(state(model), model.peft_config["default"], base)


def peft_files(tensors: dict[str, Any], lora: Any, base: Base) -> dict[str, bytes]:
    """The two files of a PEFT adapter folder, by name; the config names the GGUF file and no path."""
    from safetensors.torch import save

    config = lora.to_dict()
    config.update(base_model_name_or_path=base.file_name, inference_mode=True, target_modules=TARGET_MODULES)
    text = json.dumps(config, indent=2, sort_keys=True, default=lambda value: sorted(value))
    return {WEIGHTS_NAME: save(tensors, metadata={"format": "pt"}), CONFIG_NAME: (text + "\n").encode()}
