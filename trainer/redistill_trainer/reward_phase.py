"""The first phase of a job whose rewards come from a model: that model is trained, tested and written."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import recover_dir, sha256_json, write_dir_atomic
from redistill_trainer.job import Job
from redistill_trainer.weights import Base

FOLDER, MANIFEST = "reward", "manifest.json"
HELD_OUT = 0.25  # share of the questions whose pairs only test
LORA_RATE = 10  # times the rate for all weights is an adapter's (Schulman et al. 2025, "LoRA Without Regret")


def train_reward_model(job: Job, pairs: list[dict[str, Any]], base: Base, context: Context) -> None:
    """Leave a tested reward model in the job's folder, unless it is there; a started one goes on from its checkpoint.

    Raises WorkerError("weak_reward") if it does no better than chance on held-out pairs, or cannot be tested, and what
    every training raises.
    """
    folder, working = job.output / FOLDER, job.output / f"{FOLDER}-training"
    if is_finished(job):
        return
    from redistill_trainer import checkpoint
    from redistill_trainer.adapter import adapter_files, attached
    from redistill_trainer.loop import Loop
    from redistill_trainer.reward_model import RewardModeling, accuracy, head_files, held_out, require_better_than_chance

    tests = held_out([pair["prompt"] for pair in pairs], HELD_OUT) if pairs else set()
    learned = [pair for pair in pairs if pair["prompt"] not in tests]
    if not learned:
        raise WorkerError("weak_reward", f"{len(pairs)} pairs of {len(tests)} questions are too few to train and test on")
    working.mkdir(parents=True, exist_ok=True)
    phase = dataclasses.replace(
        job,
        output=working,
        parent=None,
        weights="lora",
        hash=sha256_json({"phase": FOLDER, "job": job.hash}),
        settings=dataclasses.replace(
            job.settings,
            epochs=job.options["reward_epochs"],
            learning_rate=job.settings.learning_rate * (LORA_RATE if job.weights == "full" else 1),
        ),
    )
    objective = RewardModeling(phase, learned, base, context)
    meta, resume = checkpoint.begin(phase)
    with attached(base, job.settings.rank, job.settings.alpha, job.seed) as model:
        objective.prepare(model)
        Loop(model, base, phase, objective, meta, context).train(resume_from_checkpoint=resume)
        kept = [objective.item(pair, number) for number, pair in enumerate(pairs, start=1) if pair["prompt"] in tests]
        right, total = accuracy(objective.head, model, kept, job.settings.tokens_per_step)
        require_better_than_chance(right, total)
        facts = {"job_hash": job.hash, "pairs": len(learned), "held_out": total, "held_out_right": right}
        manifest = {**facts, "first_loss": meta.first_loss, "final_loss": meta.last_loss, "seconds": round(meta.seconds, 3)}
        text = (json.dumps(manifest, indent=2) + "\n").encode()
        write_dir_atomic(folder, {**adapter_files(model, base), **head_files(objective.head), MANIFEST: text})
    shutil.rmtree(working, ignore_errors=True)


def is_finished(job: Job) -> bool:
    """Whether the folder holds the reward model of this very job. It is whole or absent."""
    folder = job.output / FOLDER
    recover_dir(folder)
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["job_hash"] == job.hash
    except (OSError, ValueError, KeyError):
        return False
