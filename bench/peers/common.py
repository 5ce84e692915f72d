"""What the peers share: the input file, the deadline, the base weights, answers in batches, the output file."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "trainer"))

RANK, ALPHA = 8, 16

Messages = list[dict[str, str]]


class Clock:
    """The deadline of learning, counted from the start of the process, and the seconds that each phase took."""

    def __init__(self, minutes: float) -> None:
        self.start = time.time()
        self.end = self.start + 60 * minutes
        self.seconds: dict[str, float] = {}
        self._lap = self.start

    def is_over(self, share: float = 1.0) -> bool:
        """Whether this share of the minutes is gone."""
        return time.time() >= self.start + share * (self.end - self.start)

    def lap(self, phase: str) -> None:
        """Book the time since the last call."""
        now = time.time()
        self.seconds[phase] = round(now - self._lap, 2)
        self._lap = now


def read_input() -> tuple[dict[str, Any], Clock]:
    """The job that the first argument names, and a clock that has been running since now."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} <input.json> <output.json>; bench/peers.ts writes the first")
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return job, Clock(job["minutes"])


def load(job: dict[str, Any]) -> Any:
    """The base weights as the trainer reads them: the GGUF file dequantised to float32."""
    from redistill_trainer.weights import load_base
    from transformers import set_seed

    base = load_base(Path(job["weights"]))
    set_seed(job["seed"])
    return base


def lora() -> Any:
    """The adapter that redistill's recipes train, too: rank 8 on all linear layers."""
    from redistill_trainer.adapter import lora_config

    return lora_config(RANK, ALPHA)


def generate(model: Any, tokenizer: Any, conversations: list[Messages], max_tokens: int, **sampling: Any) -> Any:
    """Answers to a batch of conversations, padded on the left.

    Returns:
        The texts, `num_return_sequences` of each conversation one after the other, and the tokens that were sampled.
    """
    import torch

    tokenizer.padding_side = "left"
    texts = [tokenizer.apply_chat_template(each, tokenize=False, add_generation_prompt=True) for each in conversations]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=max_tokens, pad_token_id=tokenizer.pad_token_id, **sampling)
    answers = out[:, inputs["input_ids"].shape[1] :]
    ended = (answers == tokenizer.eos_token_id).int()
    # Padding after the end of turn is the same token and was not sampled.
    tokens = int(((ended.cumsum(1) - ended) == 0).sum())
    return tokenizer.batch_decode(answers, skip_special_tokens=True), tokens


def answer_all(model: Any, tokenizer: Any, conversations: list[Messages], max_tokens: int) -> list[str]:
    """Greedy answers to all conversations, in their order."""
    model.eval()
    order = sorted(range(len(conversations)), key=lambda i: sum(len(each["content"]) for each in conversations[i]))
    answers = [""] * len(conversations)
    for start in range(0, len(order), 16):
        part = order[start : start + 16]
        texts, _ = generate(model, tokenizer, [conversations[i] for i in part], max_tokens, do_sample=False)
        for i, text in zip(part, texts):
            answers[i] = text
    return answers


def answer_suites(model: Any, tokenizer: Any, job: dict[str, Any]) -> dict[str, list[str]]:
    """Greedy answers to the held-out tasks and the retention suite."""
    held_out = [task["messages"] for task in job["heldOut"]]
    return {
        "heldOut": answer_all(model, tokenizer, held_out, job["maxTokens"]),
        "retention": answer_all(model, tokenizer, job["retention"], job["retentionMaxTokens"]),
    }


def write_output(
    answers: dict[str, list[str]], clock: Clock, sampled: int, trained: int, packages: list[str], **more: Any
) -> None:
    """Write the output file: answers, tokens, seconds by phase, versions and what else is worth knowing."""
    output = {
        "answers": answers,
        "tokensSampled": sampled,
        "tokensTrained": trained,
        "seconds": clock.seconds,
        "versions": {name: version(name) for name in packages},
        "more": more,
    }
    Path(sys.argv[2]).write_text(json.dumps(output, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
