"""GRPO: advantages are the paper's, the mean reward rises, and an interrupted training ends with the same bits."""

from pathlib import Path

import pytest

from helpers import assert_resumes, train_here, turn, write_method_job
from redistill_trainer.errors import WorkerError
from redistill_trainer.grpo import advantages_of

ANY = Path(__file__)
OPTIONS = {"completions": 8, "beta": 0, "scale": "group", "max_tokens": 6, "temperature": 1}
QUESTIONS = [{"prompt": turn(f"Calculate {a} + {b}."), "task": f"{a}+{b}"} for a, b in ((12, 30), (21, 7))]


def digits_first(answers):
    """A reward that the base model gets now and then: the answer begins with a digit."""
    return {"rewards": [float(answer["answer"][:1].isdigit()) for answer in answers]}


def test_advantages_are_those_of_the_paper():
    assert advantages_of([1, 0, 0, 1], False) == [0.5, -0.5, -0.5, 0.5]
    assert advantages_of([1, 0, 0, 1], True) == pytest.approx([0.5 / (3**-0.5 + 1e-4) * s for s in (1, -1, -1, 1)])
    assert advantages_of([0.5, 0.5], True) == [0, 0]
    assert advantages_of([1, None, 0], False) == [0.5, 0, -0.5], "ungradable is not wrong"
    assert advantages_of([None, 1], True) == [0, 0]


def test_the_mean_reward_of_real_weights_rises(base, model_path, tmp_path):
    settings = {"epochs": 14, "learning_rate": 2e-3, "tokens_per_step": 2048, "rank": 8, "alpha": 16}
    job = write_method_job(tmp_path, model_path, "grpo", QUESTIONS, OPTIONS, **settings)
    manifest, events = train_here(job, base, ask=digits_first)
    rewards = [event["metrics"]["reward"] for event in events]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.25, rewards
    assert manifest["metrics"]["reward"] == [rewards[0], rewards[-1]]


def early_letters(answers):
    """A reward that a random model gets half of the time: the answer begins with a byte of the first half."""
    return {"rewards": [None if not a["answer"] else float(ord(a["answer"][0]) < 100) for a in answers]}


def test_a_random_model_earns_more_and_its_training_resumes_to_the_same_bits(tiny, tmp_path):
    options = {**OPTIONS, "beta": 0.01, "completions": 16, "max_tokens": 3}
    plain = {"prompt": turn("Name a colour."), "completion": "Blue."}
    settings = {"tokens_per_step": 4000, "epochs": 20, "learning_rate": 2e-2}
    write = lambda folder: write_method_job(folder, ANY, "grpo", [*QUESTIONS, plain], options, **settings)  # noqa: E731
    first, last = assert_resumes(tmp_path, tiny, write, 2, ask=early_letters)["metrics"]["reward"]
    assert last > first + 0.2, (first, last)


def test_rewards_that_do_not_fit_are_refused(tiny, tmp_path):
    job = write_method_job(tmp_path, ANY, "grpo", QUESTIONS, {**OPTIONS, "completions": 2, "max_tokens": 1})
    with pytest.raises(WorkerError, match="1 rewards for"):
        train_here(job, tiny, ask=lambda answers: {"rewards": [1.0]})
    with pytest.raises(WorkerError, match="nobody"):
        train_here(job, tiny)
