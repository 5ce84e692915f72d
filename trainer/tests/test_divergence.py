"""Self-distillation by divergence: the loss is TRL's, sampling is exact, and what the teacher saw is taken over."""

from pathlib import Path

import pytest
import torch

from helpers import assert_resumes, train_here, turn, write_method_job
from redistill_trainer.answer import answer_prompts
from redistill_trainer.divergence import divergence
from redistill_trainer.rollout import roll_out

ANY = Path(__file__)
OPTIONS = {"beta": 0, "teacher": "start", "decay": 0.9, "max_tokens": 6, "temperature": 1}
SUMS = [(12, 30), (21, 7), (33, 14)]


def shown(a: int, b: int) -> str:
    return turn(f"Calculate {a} + {b}. The result is {a + b}. Reply with this number only: {a + b}")


VIEWS = [{"prompt": turn(f"Calculate {a} + {b}."), "teacher_prompt": shown(a, b)} for a, b in SUMS]


@pytest.mark.parametrize("beta", [0, 0.3, 1])
def test_the_divergence_is_that_of_trl(beta):
    from trl.experimental.gkd import GKDTrainer

    student, teacher = torch.randn(2, 5, 11, generator=torch.Generator().manual_seed(3)).unbind()
    theirs = GKDTrainer.generalized_jsd_loss(student[None], teacher[None], beta=beta, reduction="sum")
    assert divergence(student, teacher, beta).sum().item() == pytest.approx(theirs.item(), rel=1e-5)
    assert divergence(student, student, beta).abs().max().item() < 1e-6


def test_sampled_answers_do_not_depend_on_padding_and_come_again(tiny):
    prompts = [tiny.tokenize(turn(text)) for text in ("Hi.", "Calculate 12 + 30 and say nothing else.")]
    sample = lambda chosen, copies: roll_out(tiny.model, tiny, chosen, copies, 5, 1e-4, 7, lambda: None)  # noqa: E731
    both = sample(prompts, 2)
    assert both == sample(prompts, 2)
    assert [s.ids[: s.prompt_length] for s in both] == [prompts[0], prompts[0], prompts[1], prompts[1]]
    for prompt, pair in zip(prompts, (both[:2], both[2:])):
        (alone,) = sample([prompt], 1)  # at this temperature the likeliest token is always taken
        assert [alone, alone] == pair


def test_the_student_takes_over_what_exemplars_showed_the_teacher(base, model_path, tmp_path):
    solved = "".join(f"{turn(f'Calculate {a} + {b}.')}{a + b}<|im_end|>\n" for a, b in ((2, 3), (10, 7), (24, 5)))
    questions = [turn(f"Calculate {a} + {b}.") for a, b in (*SUMS, (5, 17))]
    views = [{"prompt": question, "teacher_prompt": solved + question} for question in questions]
    settings = {"epochs": 16, "learning_rate": 2e-3, "tokens_per_step": 512, "rank": 8, "alpha": 16}
    job = write_method_job(tmp_path, model_path, "sdft", views, OPTIONS, **settings)
    _, events = train_here(job, base)
    course = [event["metrics"]["divergence"] for event in events]
    said = lambda adapter: [  # noqa: E731
        answer["text"] for answer in answer_prompts(str(model_path), adapter, questions, 4, lambda: False)
    ]
    bare = lambda answers: sum(answer[:1].isdigit() for answer in answers)  # noqa: E731
    untrained, trained = said(None), said(str(tmp_path / "out/peft"))
    assert bare(trained) >= 3 > 1 > bare(untrained), (untrained, trained, course)
    assert course[-1] < course[0], course


@pytest.mark.parametrize("teacher", ["start", "ema", "live"])
def test_a_training_with_each_teacher_resumes_to_the_same_bits(tiny, tmp_path, teacher):
    options = {**OPTIONS, "teacher": teacher, "on_policy": 0.5, "beta": 0.5}
    plain = {"prompt": turn("Name a colour."), "completion": "Blue."}
    examples = [*({**view, "completion": "42"} for view in VIEWS[:2]), plain]
    settings = {"tokens_per_step": 1024, "epochs": 20 if teacher == "start" else 6, "learning_rate": 2e-2}
    write = lambda folder: write_method_job(folder, ANY, "gkd", examples, options, **settings)  # noqa: E731
    before, after = assert_resumes(tmp_path, tiny, write, 3)["metrics"]["divergence"]
    assert after < 0.8 * before or teacher != "start"
