"""TRL's SFTTrainer as the loop of every method: one optimiser step after the other, with our objectives, events,
checkpoints and cancellation."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from redistill_trainer import checkpoint
from redistill_trainer.context import Context
from redistill_trainer.devices import precision
from redistill_trainer.errors import Cancelled, WorkerError
from redistill_trainer.job import Job
from redistill_trainer.objective import Objective
from redistill_trainer.weights import Base

# Besides every fifth of the steps: a kill costs no more training than this, in seconds,
SECONDS_BETWEEN_CHECKPOINTS = 30.0
# and writing them costs no more than this share of the time.
CHECKPOINT_SHARE = 0.02


class Loop(SFTTrainer):
    """One optimiser step per step of the objective, in its order.

    Args:
        model: the PeftModel to train, or the bare model whose weights are all trained.
        base: what it stands on.
        objective: the steps and their losses.
        meta: where the training stands; step 0 for a new one.
    """

    def __init__(self, model: Any, base: Base, job: Job, objective: Objective, meta: Any, context: Context) -> None:
        self.base, self.job, self.meta, self.objective = base, job, meta, objective
        self.checkpoint_path = job.output / "checkpoint"
        self.checkpoint_seconds = 0.0

        def collate(batch: list[dict[str, int]]) -> dict[str, Any]:
            (item,) = batch
            return objective.inputs(item["step"])

        steps = len(objective.steps)
        super().__init__(
            model=model,
            args=config(job, steps, model.device.type),
            data_collator=collate,
            train_dataset=Dataset.from_dict({"step": list(range(steps))}),
            processing_class=base.tokenizer,
            callbacks=[Progress(self, context)],
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        loss = self.objective.loss(model, inputs)
        self.meta.last_loss = loss.item()
        if not math.isfinite(self.meta.last_loss):
            raise WorkerError("nan_loss", f"the loss of step {self.state.global_step + 1} is {self.meta.last_loss}")
        self.meta.last_metrics = self.objective.metrics
        return loss

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        started = time.monotonic()
        checkpoint.save(self.checkpoint_path, self, self.base, self.meta)
        self.checkpoint_seconds = time.monotonic() - started

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        checkpoint.load(Path(resume_from_checkpoint), self.model)
        self.objective.restore(Path(resume_from_checkpoint))


class Progress(TrainerCallback):
    """Emits progress after every optimiser step, keeps the meta, and stops a cancelled training with a checkpoint."""

    def __init__(self, trainer: Loop, context: Context) -> None:
        self.trainer, self.steps, self.context = trainer, trainer.objective.steps, context
        self.tokens = [trainer.objective.tokens(pack) for _, pack in self.steps]
        self.start_seconds, self.start_step = trainer.meta.seconds, trainer.meta.step
        self.start = 0.0
        self.next_checkpoint = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self.start = time.monotonic()
        self.next_checkpoint = self.start + SECONDS_BETWEEN_CHECKPOINTS

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        wait = max(SECONDS_BETWEEN_CHECKPOINTS, self.trainer.checkpoint_seconds / CHECKPOINT_SHARE)
        self.next_checkpoint = time.monotonic() + wait

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        meta, step, elapsed = self.trainer.meta, state.global_step, time.monotonic() - self.start
        meta.step, meta.seconds = step, self.start_seconds + elapsed
        self.trainer.objective.stepped(self.trainer.model)
        if step == 1:
            meta.first_loss, meta.first_metrics = meta.last_loss, meta.last_metrics
        speed = sum(self.tokens[self.start_step : step]) / max(elapsed, 1e-9)
        self.context.emit(
            "progress",
            step=step,
            steps=len(self.steps),
            epoch=self.steps[step - 1][0] + 1,
            loss=meta.last_loss,
            tokens=sum(self.tokens[:step]),
            tokens_per_second=round(speed, 1),
            eta_seconds=round(sum(self.tokens[step:]) / speed, 1),
            **({"metrics": meta.last_metrics} if meta.last_metrics else {}),
        )
        if time.monotonic() >= self.next_checkpoint:
            control.should_save = True
        if self.context.cancelled():
            self.trainer._save_checkpoint(self.trainer.model, None)
            raise Cancelled


def config(job: Job, steps: int, device: str) -> SFTConfig:
    """TRL's settings for a job of so many optimiser steps."""
    return SFTConfig(
        output_dir=str(job.output),
        seed=job.seed,
        max_steps=steps,
        per_device_train_batch_size=1,
        learning_rate=job.settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(job.settings.warmup_ratio * steps),
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch",
        **precision(device),
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=max(1, steps // 5),
        report_to="none",
        disable_tqdm=True,
    )
