"""LoRA by TRL's SFTTrainer, until a deadline."""

from __future__ import annotations

import tempfile
import time
from typing import Any

from common import lora


def stop_at(end: float) -> Any:
    """A callback that ends the training with the first step after a time (seconds since the epoch)."""
    from transformers import TrainerCallback

    class Deadline(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = control.should_training_stop or time.time() >= end

    return Deadline()


# Of TRL's defaults, those that do not run on a CPU (bf16), or only cost time where memory is not short.
CPU = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
QUIET = {"save_strategy": "no", "logging_strategy": "no", "report_to": "none", "disable_tqdm": True}


def train_sft(base: Any, rows: list[dict[str, Any]], end: float, seed: int) -> tuple[Any, dict[str, Any]]:
    """Train a new adapter on rows of `prompt` and `completion` (messages) until a time, and at least one step.

    The rate is what TRL's page on PEFT gives for SFT with LoRA (ten times the default), constant, since how many steps
    the time is enough for is not known before; all else is TRL's default.

    Returns:
        The model with its adapter, and figures: tokens (padding not counted), steps and epochs.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    with tempfile.TemporaryDirectory() as folder:
        args = SFTConfig(
            output_dir=folder,
            seed=seed,
            learning_rate=2e-4,
            lr_scheduler_type="constant",
            num_train_epochs=1_000,
            **CPU,
            **QUIET,
        )
        trainer = SFTTrainer(
            model=base.model,
            args=args,
            train_dataset=Dataset.from_list(rows),
            processing_class=base.tokenizer,
            peft_config=lora(),
            callbacks=[stop_at(end)],
        )
        trainer.train()
    state = trainer.state
    per_epoch = sum(len(row["input_ids"]) for row in trainer.train_dataset)
    figures = {"tokens": round(per_epoch * state.epoch), "steps": state.global_step, "epochs": round(state.epoch, 2)}
    return trainer.model, figures
