"""The yardstick for `train`: the same job with TRL's SFTTrainer as it comes (padded batches of 8, its own loss).

Run: python bench/plain_trl.py job.json [epochs]
Prints one JSON line: tokens (real ones, padding not counted), seconds (of the training loop), tokens_per_second, losses (of
each optimiser step).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from redistill_trainer.adapter import attached
from redistill_trainer.job import read_examples, read_job
from redistill_trainer.packing import tokenize
from redistill_trainer.weights import load_base


def main(job_path: str, epochs: int | None = None) -> None:
    """Train the job's examples for its epochs (or `epochs`) and print the figures."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    job = read_job(job_path)
    base = load_base(job.model, job.model_sha256)
    sequences = tokenize(read_examples(job), base)
    rows = [{"input_ids": s.ids, "labels": [-100] * s.prompt_length + s.ids[s.prompt_length :]} for s in sequences]
    epochs = epochs or job.settings.epochs
    with (
        tempfile.TemporaryDirectory() as folder,
        attached(base, job.settings.rank, job.settings.alpha, job.seed) as model,
    ):
        args = SFTConfig(
            output_dir=folder,
            seed=job.seed,
            num_train_epochs=epochs,
            per_device_train_batch_size=8,
            learning_rate=job.settings.learning_rate,
            bf16=False,
            use_cpu=base.model.device.type == "cpu",
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_strategy="steps",
            logging_steps=1,
            report_to="none",
            disable_tqdm=True,
        )
        trainer = SFTTrainer(
            model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=base.tokenizer
        )
        start = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - start
    tokens = epochs * sum(len(s.ids) for s in sequences)
    figures = {
        "tokens": tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens / seconds, 1),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
