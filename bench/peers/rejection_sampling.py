"""The peer that one writes in an afternoon: sample with solved examples in the prompt, keep what is right, SFT on it.

usage: rejection_sampling.py <input.json> <output.json>
"""

from __future__ import annotations

from typing import Any

from common import answer_suites, generate, load, read_input, write_output

# Of the minutes, what is spent on sampling; the rest is for training.
SAMPLING = 0.55
TASKS, COPIES, TEMPERATURE = 4, 4, 0.7


def main() -> None:
    job, clock = read_input()
    base = load(job)
    from checks import is_right
    from sft import train_sft

    base.model.eval()
    clock.lap("load")
    right: dict[tuple[int, str], dict[str, Any]] = {}
    # What stands in the prompt with its answer is not asked.
    asked = list(range(job["exemplars"], len(job["train"])))
    sampled = attempts = 0
    while attempts == 0 or not clock.is_over(SAMPLING):
        batch, asked = asked[:TASKS], [*asked[TASKS:], *asked[:TASKS]]
        tasks = [job["train"][i] for i in batch]
        texts, tokens = generate(
            base.model,
            base.tokenizer,
            [task["shown"] for task in tasks],
            job["sampleMaxTokens"],
            do_sample=True,
            temperature=TEMPERATURE,
            num_return_sequences=COPIES,
        )
        sampled, attempts = sampled + tokens, attempts + len(texts)
        for i, text in enumerate(texts):
            task, answer = tasks[i // COPIES], text.strip()
            if is_right(job["check"], answer, task["reference"]):
                completion = [{"role": "assistant", "content": answer}]
                right[batch[i // COPIES], answer] = {"prompt": task["messages"], "completion": completion}
    clock.lap("sample")
    model, figures = base.model, {"tokens": 0, "steps": 0, "epochs": 0}
    if right:
        model, figures = train_sft(base, list(right.values()), clock.end, job["seed"])
    clock.lap("train")
    answers = answer_suites(model, base.tokenizer, job)
    clock.lap("answer")
    write_output(
        answers,
        clock,
        sampled,
        figures["tokens"],
        ["trl", "transformers", "torch", "peft"],
        attempts=attempts,
        examples=len(right),
        steps=figures["steps"],
        epochs=figures["epochs"],
    )


if __name__ == "__main__":
    main()
