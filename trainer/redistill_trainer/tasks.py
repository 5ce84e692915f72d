"""Tasks with a verifier, from reasoning-gym."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import json
import re
from typing import Any

from redistill_trainer.errors import WorkerError
from redistill_trainer.shape import require

ENTRY_IS_OBJECT = ("the entry that `tasks` gave", lambda value: isinstance(value, dict))
# Some datasets score by running the answer: eval, or sympy's parser, which evaluates too.
RUNS_ANSWERS = re.compile(r"(?<![\w.])(?:eval|exec|parse_expr|sympify)\(|\.(?:parse_expr|sympify)\(")
ANSWER = ("a text or null", lambda value: value is None or isinstance(value, str))


def make_tasks(dataset: str, config: dict[str, Any], size: int, seed: int) -> list[dict[str, Any]]:
    """Make `size` tasks, the same for the same seed: `{question, answer, entry}`, with what `score` needs in `entry`.

    Raises WorkerError("bad_job") for an unknown dataset or a bad config.
    """
    made = open_dataset(dataset, {**config, "size": size, "seed": seed})
    result = []
    for index in range(size):
        entry = made[index]
        metadata = json.loads(json.dumps(entry["metadata"], default=plain))
        safe = {"question": entry["question"], "answer": entry["answer"], "metadata": metadata}
        result.append({"question": entry["question"], "answer": entry["answer"], "entry": safe})
    return result


def score_answers(dataset: str, config: dict[str, Any], items: list[dict[str, Any]]) -> list[float | None]:
    """Score each `{entry, answer}` from 0 to 1 with the dataset's own verifier; None where it could not.

    Raises WorkerError("bad_job") for an unknown dataset, a bad config, an item of another shape, or a
    dataset whose verifier would run the answer as code.
    """
    judge = open_dataset(dataset, config)
    refuse_running_answers(dataset, judge)
    scores: list[float | None] = []
    for number, item in enumerate(items):
        require(item, f"score.items[{number}]", {"entry": ENTRY_IS_OBJECT, "answer": ANSWER})
        try:
            scores.append(float(judge.score_answer(item["answer"], item["entry"])))
        except (KeyError, TypeError) as error:
            message = f"score.items[{number}].entry is not an entry of {dataset}: {type(error).__name__} {error}"
            raise WorkerError("bad_job", message) from error
        except Exception:  # noqa: BLE001  a strange answer is the model's fault and ends no run
            scores.append(None)
    return scores


def refuse_running_answers(dataset: str, judge: Any) -> None:
    """Raise WorkerError("bad_job") if scoring an answer of this dataset would execute it on this machine."""
    if RUNS_ANSWERS.search(inspect.getsource(type(judge).score_answer)):
        message = f"{dataset} scores an answer by running it as code, which is not safe with a model's answers"
        raise WorkerError("bad_job", message, "Give the tasks another verifier (exact, numeric) or take another dataset.")


def open_dataset(name: str, config: dict[str, Any]) -> Any:
    """The reasoning-gym dataset of that name. Raises WorkerError("bad_job") naming what would have been right."""
    from reasoning_gym.factory import DATASETS

    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=5, cutoff=0.4)
        names = ", ".join(near) if near else ", ".join(sorted(DATASETS)[:10]) + ", …"
        raise WorkerError("bad_job", f"unknown dataset {name!r}; nearest: {names}")
    dataset_class, config_class = DATASETS[name]
    fields = [field.name for field in dataclasses.fields(config_class)]
    for key in config:
        if key not in fields:
            raise WorkerError("bad_job", f"unknown config field {key!r} of {name}; valid: {', '.join(fields)}")
    try:
        settings = config_class(**config)
        settings.validate()
        return dataset_class(config=settings)
    except (AssertionError, TypeError, ValueError) as error:
        message = f"bad config of {name}: {error or type(error).__name__}; valid fields: {', '.join(fields)}"
        raise WorkerError("bad_job", message) from error


def plain(value: Any) -> Any:
    """JSON for what metadata may hold beside JSON types: sets and tuples as lists, numpy scalars as numbers."""
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    return str(value)
