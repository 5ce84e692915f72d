"""Where and in which precision to compute: what torch finds on this machine, or what the job asks for."""

from __future__ import annotations

import os
from typing import Any

from redistill_trainer.errors import WorkerError

DEVICES = ("auto", "cpu", "cuda", "mps")
AVAILABLE = {
    "cpu": lambda torch: True,
    "cuda": lambda torch: torch.cuda.is_available(),
    "mps": lambda torch: torch.backends.mps.is_available(),
}
ADVICE = {
    "cuda": "Set retrain.device to auto, or check the driver and that torch is a CUDA build.",
    "mps": "Set retrain.device to auto; mps needs Apple silicon and a torch built with it.",
}


def pick_device(wanted: str = "auto") -> str:
    """The torch device: cuda, else mps, else cpu, or the one that is wanted.

    Raises WorkerError("bad_job") if torch does not find that.
    """
    import torch

    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if AVAILABLE[name](torch))
    if not AVAILABLE[wanted](torch):
        raise WorkerError("bad_job", f"job.device is {wanted}, which torch does not find on this machine", ADVICE[wanted])
    return wanted


def precision(device: str) -> dict[str, Any]:
    """TrainingArguments for a device. Weights are float32 everywhere, since they are those that the engine dequantises.

    CUDA multiplies in bfloat16 where the card can; float16 would need scaled losses. A CPU is slow in bfloat16, and MPS
    does not have all of it.
    """
    import torch

    return {
        "use_cpu": device == "cpu",
        "bf16": device == "cuda" and torch.cuda.is_bf16_supported(),
        "fp16": False,
        "tf32": False if device == "cuda" else None,
    }


def make_deterministic(device: str) -> None:
    """Have the same job give the same bits on the same machine where the device can.

    A CPU does so anyway. MPS has no such mode. Operations that have no deterministic form warn and go on.
    """
    import torch

    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
