"""SDPO: who is shown what, and that answers which the teacher would not give become rarer; an interrupted training ends
with the same bits."""

import math
from pathlib import Path

import pytest

from helpers import assert_resumes, train_here, turn, write_method_job
from redistill_trainer.errors import WorkerError
from redistill_trainer.rollout import Judged
from redistill_trainer.sdpo import feedback

ANY = Path(__file__)
OPTIONS = {
    **{"completions": 6, "success": 1, "beta": 0.5, "teacher": "ema", "decay": 0.95},
    **{"max_tokens": 6, "temperature": 1},
}


def practice(question: str, **changes) -> dict:
    """A task whose teacher is shown a solution like a question that was answered before, or a finding before it."""
    solved = [turn(question), "solution", "<|im_end|>\n" + turn(question)]
    told = ["", "finding", "\n" + turn(question)]
    example = {"prompt": turn(question), "task": question, "solved": solved, "told": told, "solution": None, "critiques": []}
    return {**example, **changes}


QUESTIONS = [practice(f"Calculate {a} + {b}.") for a, b in ((12, 30), (21, 7))]


def test_each_answer_is_shown_another_success_else_its_own_finding():
    example = practice("Q", critiques=[["7", "It forgets the carry."]])
    group = [Judged("7", 0, "wrong"), Judged("8", 1, "right"), Judged("9", None, "no number"), Judged("9", 0.5, "")]
    shown = lambda place, example=example, group=group, success=1: feedback(example, group, place, success)  # noqa: E731
    assert all(shown(place) == f"{turn('Q')}8<|im_end|>\n{turn('Q')}" for place in (0, 2, 3))
    assert shown(1) is None, "it is the only success: nothing can be shown to it"
    assert shown(1, success=0.5) == f"{turn('Q')}9<|im_end|>\n{turn('Q')}"
    alone = [each for each in group if each.answer != "8"]
    assert shown(0, group=alone) == f"It forgets the carry.\n{turn('Q')}"
    assert shown(1, group=alone) == f"no number\n{turn('Q')}"
    assert shown(2, group=alone) is None, "nothing was found"
    known = {**example, "solution": "8"}
    assert shown(1, known) == shown(0) == shown(0, known, alone)


def digits_first(answers):
    right = [answer["answer"][:1].isdigit() for answer in answers]
    return {"rewards": [float(each) for each in right], "findings": ["" if each else "Only a number is wanted." for each in right]}


def test_real_weights_earn_more(base, model_path, tmp_path):
    settings = {"epochs": 16, "learning_rate": 2e-3, "tokens_per_step": 2048, "rank": 8, "alpha": 16}
    options = {**OPTIONS, "teacher": "start", "beta": 0}
    examples = [{**example, "solution": answer} for example, answer in zip(QUESTIONS, ("42", "28"))]
    job = write_method_job(tmp_path, model_path, "sdpo", examples, options, **settings)
    manifest, events = train_here(job, base, ask=digits_first)
    rewards = [event["metrics"]["reward"] for event in events]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.25, rewards
    assert manifest["metrics"]["taught"][0] == 1


@pytest.mark.parametrize("teacher", ["start", "ema"])
def test_an_interrupted_training_ends_with_the_same_bits(tiny, tmp_path, teacher):
    plain = {"prompt": turn("Name a colour."), "completion": "Blue."}
    settings = {"tokens_per_step": 4000, "epochs": 4, "learning_rate": 2e-2}
    examples = [*({**example, "solution": "42"} for example in QUESTIONS), plain]
    write = lambda folder: write_method_job(folder, ANY, "sdpo", examples, {**OPTIONS, "teacher": teacher}, **settings)  # noqa: E731
    # Random weights need not come nearer to their teacher; that real ones earn more is the test above.
    divergence = assert_resumes(tmp_path, tiny, write, 2, ask=digits_first)["metrics"]["divergence"]
    assert all(math.isfinite(value) for value in divergence)


def test_a_step_with_nothing_to_show_changes_nothing(tiny, tmp_path):
    silent = lambda answers: {"rewards": [0.0] * len(answers), "findings": [""] * len(answers)}  # noqa: E731
    job = write_method_job(tmp_path, ANY, "sdpo", QUESTIONS, OPTIONS, tokens_per_step=4000, epochs=1)
    manifest, _ = train_here(job, tiny, ask=silent)
    assert manifest["final_loss"] == 0 and manifest["metrics"]["taught"] == [0, 0]
    bad = write_method_job(tmp_path / "bad", ANY, "sdpo", [{**QUESTIONS[0], "critiques": [["a"]]}], OPTIONS)
    with pytest.raises(WorkerError, match="line 1.critiques"):
        train_here(bad, tiny)
