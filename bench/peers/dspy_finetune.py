"""The peer DSPy: BootstrapFinetune, whose teacher is the program with solved examples and whose student is the same
program without them, both on a local Ollama.

BootstrapFinetune rather than GEPA: it changes weights, as the others here do, while GEPA changes the instructions by a
reflecting model, and the only model here is the one of 135M. DSPy's own LocalProvider starts SGLang, which wants a GPU,
and trains by names that TRL no longer has (setup_chat_format); so a provider of our own, DSPy's way to add one, has the
adapter trained by SFTTrainer and put on the model in Ollama.

usage: dspy_finetune.py <input.json> <output.json>, in an environment with DSPy
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import Clock, read_input, write_output
from ollama import DEFAULT_SYSTEM, Ollama, serving

# As in rejection_sampling.py: share of the minutes, tries and temperature.
SAMPLING, TRIES, TEMPERATURE = 0.55, 4, 0.7
SHOWN = 4
PARALLEL = 8
# `[[ ## answer ## ]]` and `[[ ## completed ## ]]`, with which DSPy frames an answer, have 16 tokens.
FRAME = 16


def main() -> None:
    job, clock = read_input()
    # Ends what is in the `with` below, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    import dspy
    from checks import is_right
    from dspy.clients.provider import Provider
    from dspy.utils.exceptions import AdapterParseError

    class Program(dspy.Module):
        """One question, one answer; nothing is asked any more once `until` of the minutes is gone."""

        def __init__(self, until: float | None = None) -> None:
            super().__init__()
            self.until = until
            instructions = job["instructions"]
            fields = "message -> answer"
            self.predict = dspy.Predict(dspy.Signature(fields, instructions) if instructions else fields)

        def forward(self, message: str) -> Any:
            if self.until is not None and clock.is_over(self.until):
                return dspy.Prediction(answer="")
            try:
                return self.predict(message=message)
            except AdapterParseError:
                return dspy.Prediction(answer="")

    def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
        return is_right(job["check"], prediction.answer or "", example.answer)

    with serving(job["ollama"], PARALLEL) as server, tempfile.TemporaryDirectory() as folder:
        server.create("base", weights=Path(job["weights"]))
        tuning = Tuning(job, clock, server, Path(folder))

        class LocalTrl(Provider):
            def __init__(self) -> None:
                super().__init__()
                self.finetunable = True

            @staticmethod
            def finetune(job: Any, model: str, train_data: Any, *_: Any, **__: Any) -> str:
                return tuning.finetune(model, train_data)

        lm = dspy.LM(
            "ollama_chat/base",
            api_base=f"{server.url}/v1",
            provider=LocalTrl(),
            cache=False,
            temperature=0.0,
            max_tokens=job["maxTokens"] + FRAME,
        )
        dspy.configure(lm=lm)
        examples = [
            dspy.Example(message=task["messages"][-1]["content"], answer=task["reference"]).with_inputs("message")
            for task in job["train"]
        ]
        student = Program()
        student.set_lm(lm)
        # What stands in the prompt with its answer is not asked. Each try is a teacher with a seed of its own.
        labelled = dspy.LabeledFewShot(k=SHOWN)
        teachers = [labelled.compile(Program(SAMPLING), trainset=examples, sample=False) for _ in range(TRIES)]
        for number, teacher in enumerate(teachers):
            teacher.set_lm(lm.copy(temperature=TEMPERATURE, seed=job["seed"] + number))
        clock.lap("load")
        optimizer = dspy.BootstrapFinetune(metric=metric, exclude_demos=True, num_threads=PARALLEL)
        tuned = optimizer.compile(student, trainset=examples[SHOWN:], teacher=teachers)
        clock.lap("train")
        sampled = sum(tokens_of(teacher) for teacher in teachers)
        questions = [task["messages"][-1]["content"] for task in job["heldOut"]]
        asked = [dspy.Example(message=question).with_inputs("message") for question in questions]
        held_out = [each.answer or "" for each in tuned.batch(asked, num_threads=PARALLEL, disable_progress_bar=True)]
        retention = [ask(tuned.get_lm(), each, job["retentionMaxTokens"]) for each in job["retention"]]
        clock.lap("answer")
    write_output(
        {"heldOut": held_out, "retention": retention},
        clock,
        sampled,
        tuning.figures["tokens"],
        ["dspy", "litellm"],
        examples=tuning.examples,
        steps=tuning.figures["steps"],
        epochs=tuning.figures["epochs"],
        unparsed=sum(answer == "" for answer in held_out),
    )


class Tuning:
    """Trains in a process of the trainer's environment and serves what comes out."""

    def __init__(self, job: dict[str, Any], clock: Clock, server: Ollama, folder: Path) -> None:
        self.job, self.clock, self.server, self.folder = job, clock, server, folder
        self.examples = 0
        self.figures: dict[str, float] = {"tokens": 0, "steps": 0, "epochs": 0}

    def finetune(self, model: str, rows: list[dict[str, Any]]) -> str:
        """The name of the tuned model; of the model as it is where there is nothing to learn from."""
        self.clock.lap("sample")
        # The four tries repeat each other.
        unique = list({json.dumps(row, sort_keys=True): row for row in rows}.values())
        self.examples = len(unique)
        if not unique:
            return model
        job, figures, adapter = (self.folder / name for name in ("job.json", "figures.json", "adapter.gguf"))
        settings = {name: self.job[name] for name in ("weights", "seed")}
        job.write_text(json.dumps({**settings, "rows": unique, "end": self.clock.end}), encoding="utf-8")
        script = Path(__file__).with_name("dspy_train.py")
        subprocess.run([self.job["python"], str(script), str(job), str(figures), str(adapter)], check=True)
        self.figures = json.loads(figures.read_text(encoding="utf-8"))
        self.server.create("tuned", base="base", adapter=adapter)
        return "ollama_chat/tuned"


def tokens_of(program: Any) -> int:
    """Tokens that a program's model has written."""
    return sum((call["usage"] or {}).get("completion_tokens", 0) for call in program.get_lm().history)


def ask(lm: Any, messages: list[dict[str, str]], max_tokens: int) -> str:
    """One answer as anybody would ask for it, without DSPy's frame."""
    system = [] if messages[0]["role"] == "system" else [{"role": "system", "content": DEFAULT_SYSTEM}]
    return lm(messages=[*system, *messages], max_tokens=max_tokens)[0]


if __name__ == "__main__":
    main()
