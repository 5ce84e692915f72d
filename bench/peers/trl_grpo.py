"""The peer TRL: GRPOTrainer as its documentation uses it, with the task's check as reward, until the minutes are gone.

usage: trl_grpo.py <input.json> <output.json>
"""

from __future__ import annotations

import tempfile
from typing import Any

from common import answer_suites, load, lora, read_input, write_output


def main() -> None:
    job, clock = read_input()
    base = load(job)
    from checks import is_right
    from datasets import Dataset
    from sft import CPU, QUIET, stop_at
    from trl import GRPOConfig, GRPOTrainer

    sampled, rewards = 0, [0, 0]

    def reward(completions: list[Any], completion_ids: list[list[int]], reference: list[str], **_: Any) -> list[float]:
        nonlocal sampled
        sampled += sum(map(len, completion_ids))
        given = [
            float(is_right(job["check"], completion[0]["content"], wanted))
            for completion, wanted in zip(completions, reference)
        ]
        rewards[0] += int(sum(given))
        rewards[1] += len(given)
        return given

    rows = [{"prompt": task["messages"], "reference": task["reference"]} for task in job["train"]]
    clock.lap("load")
    with tempfile.TemporaryDirectory() as folder:
        # The rate is ten times the default, which TRL's page on PEFT says of LoRA (its example is SFT's).
        args = GRPOConfig(
            output_dir=folder,
            seed=job["seed"],
            learning_rate=1e-5,
            lr_scheduler_type="constant",
            num_train_epochs=1_000,
            max_completion_length=job["maxTokens"],
            **CPU,
            **QUIET,
        )
        trainer = GRPOTrainer(
            model=base.model,
            reward_funcs=reward,
            args=args,
            train_dataset=Dataset.from_list(rows),
            processing_class=base.tokenizer,
            peft_config=lora(),
            callbacks=[stop_at(clock.end)],
        )
        trainer.train()
    clock.lap("train")
    answers = answer_suites(trainer.model, base.tokenizer, job)
    clock.lap("answer")
    write_output(
        answers,
        clock,
        sampled,
        int(trainer.state.num_input_tokens_seen),
        ["trl", "transformers", "torch", "peft"],
        steps=trainer.state.global_step,
        rewarded=rewards[0],
        completions=rewards[1],
    )


if __name__ == "__main__":
    main()
