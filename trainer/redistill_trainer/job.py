"""The job file of `train`: its shape, its checks and its hash."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redistill_trainer.devices import DEVICES
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import sha256_file, sha256_json
from redistill_trainer.methods import METHODS
from redistill_trainer.shape import (
    FRACTION,
    INTEGER,
    OBJECT,
    POSITIVE_INTEGER,
    POSITIVE_NUMBER,
    TEXT,
    TEXT_OR_NULL,
    require,
)

VERSION = 1
RECIPE = 1  # raise it when the same job would give other weights: old checkpoints and manifests then no longer count
JOB_SHAPE = {
    "version": INTEGER,
    "model": TEXT,
    "model_sha256": TEXT,
    "examples": TEXT,
    "examples_sha256": TEXT,
    "parent": TEXT_OR_NULL,
    "output": TEXT,
    "seed": INTEGER,
    "settings": OBJECT,
}
SETTINGS_SHAPE = {
    "epochs": POSITIVE_INTEGER,
    "learning_rate": POSITIVE_NUMBER,
    "tokens_per_step": POSITIVE_INTEGER,
    "warmup_ratio": FRACTION,
}
ADAPTER_SHAPE = {"rank": POSITIVE_INTEGER, "alpha": POSITIVE_NUMBER}
TRAINERS = ("torch", "mlx")
WEIGHTS = ("lora", "full")
SEED_LIMIT = 2**32  # numpy's generators take no larger seed


@dataclass(frozen=True)
class Settings:
    """How to train. `tokens_per_step` bounds the tokens of one optimiser step, `warmup_ratio` is a share of all steps.
    `rank` and `alpha` are 0 where no adapter is trained."""

    epochs: int
    learning_rate: float
    tokens_per_step: int
    warmup_ratio: float
    rank: int = 0
    alpha: float = 0.0


@dataclass(frozen=True)
class Job:
    """A checked job. `hash` names everything that determines the weights that come out, and no path."""

    model: Path
    model_sha256: str
    examples: Path
    examples_sha256: str
    parent: Path | None
    output: Path
    seed: int
    settings: Settings
    hash: str
    method: str = "sft"
    options: dict[str, Any] = field(default_factory=dict)
    trainer: str = "torch"
    device: str = "auto"
    weights: str = "lora"


def read_job(path: str) -> Job:
    """Read and check a job file (shape only: weights and examples are not opened, but the parent is hashed).

    Raises WorkerError("bad_job") that names the key at fault.
    """
    data = read_json(Path(path), "the job file")
    method, options = take_method(data)
    trainer = take_one_of(data, "trainer", TRAINERS)
    device = take_one_of(data, "device", DEVICES)
    weights = take_one_of(data, "weights", WEIGHTS)
    require(data, "job", JOB_SHAPE)
    if data["version"] != VERSION:
        raise WorkerError("bad_job", f"job.version is {data['version']}, this worker reads {VERSION}")
    if not 0 <= data["seed"] < SEED_LIMIT:
        raise WorkerError("bad_job", f"job.seed must be from 0 to {SEED_LIMIT - 1}")
    if weights == "full" and trainer == "mlx":
        hint = "Set retrain.trainer: torch, or retrain.weights: lora."
        raise WorkerError("bad_job", "the trainer mlx trains adapters only", hint)
    # A reward model is an adapter, whatever the policy is.
    has_adapter = weights == "lora" or method == "rlaif"
    settings = Settings(**require(data["settings"], "job.settings", {**SETTINGS_SHAPE, **(ADAPTER_SHAPE if has_adapter else {})}))
    parent = Path(data["parent"]) if data["parent"] else None
    determining = {
        "recipe": RECIPE,
        "model": data["model_sha256"],
        "examples": data["examples_sha256"],
        "parent": sha256_file(parent_weights(parent, weights)) if parent else None,
        "seed": data["seed"],
        "settings": {key: float(value) for key, value in data["settings"].items()},
    }
    if method != "sft":  # plain imitation has the hash that it had before there were other methods
        determining |= {"method": method, "options": options}
    if trainer != "torch":
        determining["trainer"] = trainer
    if device != "auto":  # other devices round otherwise
        determining |= {"device": device}
    if weights != "lora":
        determining |= {"weights": weights}
    return Job(
        model=Path(data["model"]),
        model_sha256=data["model_sha256"].lower(),
        examples=Path(data["examples"]),
        examples_sha256=data["examples_sha256"].lower(),
        parent=parent,
        output=Path(data["output"]),
        seed=data["seed"],
        settings=settings,
        hash=sha256_json(determining),
        method=method,
        options=options,
        trainer=trainer,
        device=device,
        weights=weights,
    )


def take_method(data: Any) -> tuple[str, dict[str, Any]]:
    """Take method and options out of a job; a job that names none is plain imitation."""
    if not isinstance(data, dict) or "method" not in data:
        return "sft", {}
    method = data.pop("method")
    if method not in METHODS:
        raise WorkerError("bad_job", f"job.method must be one of {', '.join(METHODS)}, not {method!r:.80}")
    return method, require(data.pop("options", {}), "job.options", METHODS[method].options)


def take_one_of(data: Any, key: str, words: tuple[str, ...]) -> str:
    """Take a key out of a job; one that does not have it means the first of its words."""
    word = data.pop(key, words[0]) if isinstance(data, dict) else words[0]
    if word not in words:
        raise WorkerError("bad_job", f"job.{key} must be one of {', '.join(words)}, not {word!r:.80}")
    return word


def parent_weights(parent: Path, weights: str) -> Path:
    """The file with the parent's weights. Raises WorkerError("bad_job") if it is not there, or the parent of another kind."""
    if weights == "full":
        if not parent.is_file():
            raise WorkerError("bad_job", f"job.parent is not a GGUF model, as a training of all weights goes on from: {parent}")
        return parent
    file = parent / "adapter_model.safetensors"
    if not file.is_file() or not (parent / "adapter_config.json").is_file():
        raise WorkerError("bad_job", f"job.parent is not the folder of a PEFT adapter: {parent}")
    return file


def read_examples(job: Job) -> list[dict[str, Any]]:
    """Read the examples of a job. Raises WorkerError("bad_job") for a wrong hash, a wrong line, or none at all."""
    try:
        content = job.examples.read_bytes()
    except OSError as error:
        raise WorkerError("bad_job", f"job.examples cannot be read: {error}") from error
    if sha256_file(job.examples) != job.examples_sha256:
        raise WorkerError("bad_job", "job.examples_sha256 is not the sha256 of job.examples")
    examples = []
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        if line.strip():
            where = f"examples line {number}"
            try:
                value: Any = json.loads(line)
            except ValueError as error:
                raise WorkerError("bad_job", f"{where} is not JSON: {error}") from error
            examples.append(require(value, where, METHODS[job.method].shape(value)))
    if not examples:
        raise WorkerError("bad_job", "job.examples holds no example")
    return examples


def read_json(path: Path, what: str) -> Any:
    """Parse a JSON file. Raises WorkerError("bad_job") if it cannot be read or parsed."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkerError("bad_job", f"{what} cannot be read: {error}") from error
