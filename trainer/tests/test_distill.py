"""Offline distillation: the loss with its bucket for the rest, tokens that do not fit, and that it learns and resumes."""

from pathlib import Path

import pytest
import torch

from helpers import assert_resumes, train_here, turn, write_method_job
from redistill_trainer.answer import answer_prompts
from redistill_trainer.distill import listed_divergence
from redistill_trainer.divergence import divergence
from redistill_trainer.errors import WorkerError

ANY = Path(__file__)
SUMS = [(12, 30), (21, 7), (33, 14), (5, 17)]


def listed(base, teacher_prompt: str, completion: str, k: int, by=lambda token: token) -> dict:
    """An answer with its k likeliest tokens at each place, as an engine that was shown `teacher_prompt` tells of it."""
    prompt, answer = base.tokenize(teacher_prompt), [*base.tokenize(completion), base.end_of_turn]
    with torch.no_grad():
        logits = base.model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1]
    best = logits.float().log_softmax(-1).topk(k)
    top = [[[by(t), round(lp, 4)] for t, lp in zip(*row)] for row in zip(best.indices.tolist(), best.values.tolist())]
    return {"completion": completion, "tokens": [by(token) for token in answer], "top": top}


@pytest.mark.parametrize("beta", [0, 0.3, 1])
def test_lists_of_all_tokens_give_the_whole_divergence_and_short_ones_that_of_their_buckets(beta):
    student, teacher = torch.randn(2, 5, 11, generator=torch.Generator().manual_seed(3)).unbind()
    logps = teacher.log_softmax(-1)
    lists = lambda size: [list(zip(row.indices.tolist(), row.values.tolist())) for row in map(lambda r: r.topk(size), logps)]  # noqa: E731
    whole = divergence(student, teacher, beta)
    assert torch.allclose(listed_divergence(student, lists(11), beta), whole, atol=1e-4)
    # By hand: three buckets of one token each and one of the other eight.
    order = logps.topk(11).indices
    both = [each.softmax(-1).gather(1, order) for each in (student, teacher)]
    buckets = [torch.cat([p[:, :3], p[:, 3:].sum(-1, keepdim=True)], -1).log() for p in both]
    found = listed_divergence(student, lists(3), beta)
    assert torch.allclose(found, divergence(*buckets, beta), atol=1e-5)
    assert (found <= whole + 1e-5).all(), "buckets tell no more apart than tokens do"
    ragged = [row[: 1 + place % 3] for place, row in enumerate(lists(3))]
    assert torch.isfinite(listed_divergence(student, ragged, beta)).all()


def test_the_loss_is_that_of_trl_where_the_lists_are_the_students_own(tiny):
    from trl.experimental.sdpo.loss_utils import compute_topk_self_distillation_loss

    student, teacher = torch.randn(2, 5, 11, generator=torch.Generator().manual_seed(4)).unbind()
    options = {"distillation_topk": 4, "distillation_alpha": 0.3, "distillation_add_tail": True}
    theirs = compute_topk_self_distillation_loss(student, teacher, **options)
    own, logps = student.topk(4).indices, teacher.log_softmax(-1)
    lists = [[(t, logps[place, t].item()) for t in row] for place, row in enumerate(own.tolist())]
    assert torch.allclose(listed_divergence(student, lists, 0.3), theirs, atol=1e-5)


def test_the_student_takes_over_what_exemplars_did_to_the_teacher(base, model_path, tmp_path):
    solved = "".join(f"{turn(f'Calculate {a} + {b}.')}{a + b}<|im_end|>\n" for a, b in ((2, 3), (10, 7), (24, 5)))
    questions = [turn(f"Calculate {a} + {b}.") for a, b in SUMS]
    examples = [{"prompt": q, **listed(base, solved + q, str(a + b), 20)} for q, (a, b) in zip(questions, SUMS)]
    settings = {"epochs": 8, "learning_rate": 1e-3, "tokens_per_step": 512, "rank": 8, "alpha": 16}
    manifest, _ = train_here(write_method_job(tmp_path, model_path, "distill", examples, {"beta": 0}, **settings), base)
    before, after = manifest["metrics"]["divergence"]
    assert after < before / 4, (before, after)
    answers = answer_prompts(str(model_path), str(tmp_path / "out/peft"), questions, 4, lambda: False)
    assert sum(answer["text"][:1].isdigit() for answer in answers) >= 3, answers


def test_an_interrupted_training_ends_with_the_same_bits(tiny, tmp_path):
    plain = {"prompt": turn("Name a colour."), "completion": "Blue."}
    examples = [
        *({"prompt": turn(f"{a}+{b}"), **listed(tiny, turn(f"It is {a + b}."), str(a + b), 6)} for a, b in SUMS),
        plain,
    ]
    settings = {"tokens_per_step": 200, "epochs": 8, "learning_rate": 2e-2}
    write = lambda folder: write_method_job(folder, ANY, "distill", examples, {"beta": 0.5}, **settings)  # noqa: E731
    before, after = assert_resumes(tmp_path, tiny, write, 3)["metrics"]["divergence"]
    assert after < before / 2, (before, after)


def test_tokens_are_found_by_text_too_and_other_tokenizers_are_refused(base, model_path, tmp_path):
    decode = lambda token: base.tokenizer.decode([token])  # noqa: E731
    question = turn("Calculate 12 + 30.")
    by_id, by_text = ({"prompt": question, **listed(base, question, "It is 42.", 5, by)} for by in (int, decode))

    def train(name, example):
        job = write_method_job(tmp_path / name, model_path, "distill", [example], {"beta": 0}, epochs=1)
        return train_here(job, base)[0]

    # Those of its own weights: nothing to learn, but for what rounding to 4 decimals makes.
    assert abs(train("ids", by_id)["first_loss"]) < 1e-3
    assert train("texts", by_text)["first_loss"] == pytest.approx(train("ids", by_id)["first_loss"], abs=1e-3)
    without_end = {**by_text, "tokens": by_text["tokens"][:-1], "top": by_text["top"][:-1]}
    assert train("open", without_end)["final_loss"] > 0.01, "the end of turn is learned like any token"
    strangers = {
        "shifted": {**by_id, "tokens": [token + 1 for token in by_id["tokens"]]},
        "beyond": {**by_id, "tokens": [10**6, *by_id["tokens"][1:]]},
        "pieces": {**by_text, "tokens": ["It is", *by_text["tokens"][2:]], "top": by_text["top"][1:]},
        "letters": {**by_text, "tokens": [*"It is 42."], "top": [[]] * 9},
    }
    for name, example in strangers.items():
        with pytest.raises(WorkerError, match="not those of the model") as raised:
            train(name, example)
        assert raised.value.kind == "bad_job" and "same tokenizer" in raised.value.hint
