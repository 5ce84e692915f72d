"""Methods that compare answers: their losses against the papers and TRL, and that they learn and resume."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from helpers import assert_resumes, train_here, turn, write_job, write_method_job
from redistill_trainer.answer import answer_prompts
from redistill_trainer.errors import WorkerError
from redistill_trainer.dpo import dpo_loss
from redistill_trainer.kto import kto_loss
from redistill_trainer.loss import sequence_logps
from redistill_trainer.objective import Objective
from redistill_trainer.orpo import odds_ratio_loss
from redistill_trainer.packing import sequence_of
from redistill_trainer.rrhf import ranking_loss
from redistill_trainer.sft import weighted_loss

ANY = Path(__file__)  # a file to stand for the weights of a model that is made in memory
SUMS = [(12, 30), (21, 7), (33, 14)]
REHEARSAL = {"prompt": turn("Name a colour."), "completion": "Blue."}
OPTIONS = {
    "dpo": {"beta": 0.1, "sft_weight": 1},
    "orpo": {"beta": 0.1},
    "kto": {"beta": 0.5, "right_weight": 1, "wrong_weight": 1, "sft_weight": 0.1},
    "rrhf": {"sft_weight": 1},
}


def examples_of(method: str) -> list[dict]:
    """The same right and wrong sums in the form of each method, with one plain example."""
    examples = []
    for a, b in SUMS:
        prompt, right, wrong = turn(f"Calculate {a} + {b}."), str(a + b), str(a + b + 10)
        if method in ("dpo", "orpo"):
            examples.append({"prompt": prompt, "chosen": right, "rejected": wrong})
        elif method == "rrhf":
            examples.append({"prompt": prompt, "completions": [wrong, right, "none"], "rewards": [0.5, 1, 0]})
        else:
            examples += [{"prompt": prompt, "completion": text, "label": text == right} for text in (right, wrong)]
    return [*examples, REHEARSAL]


def test_summed_log_probabilities_of_a_shared_row_are_those_of_each_text_alone(tiny):
    texts = [("42", 1), ("52", 2), ("It is 42.", 3)]
    sequences = [sequence_of(turn("Calculate 12 + 30."), text, tiny, number) for text, number in texts]
    with torch.no_grad():
        together = sequence_logps(tiny.model, Objective.row(sequences))
        for logp, sequence in zip(together, sequences):
            ids = torch.tensor([sequence.ids])
            alone = tiny.model(input_ids=ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
            assert logp.item() == pytest.approx(alone[sequence.prompt_length - 1 :].sum().item(), abs=2e-3)


def test_losses_are_the_papers():
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    chosen, rejected = torch.tensor(-0.7), torch.tensor(-1.9)
    assert dpo_loss(chosen, rejected, 0.3).item() == pytest.approx(-math.log(sigmoid(0.3 * (-0.7 + 1.9))))
    assert kto_loss(chosen, 0.4, True, 0.3).item() == pytest.approx(1 - sigmoid(0.3 * (-0.7 - 0.4)))
    assert kto_loss(chosen, 0.4, False, 0.3).item() == pytest.approx(1 - sigmoid(0.3 * (0.4 + 0.7)))
    odds = lambda logp: math.exp(logp) / (1 - math.exp(logp))  # noqa: E731
    assert odds_ratio_loss(chosen, rejected).item() == pytest.approx(-math.log(sigmoid(math.log(odds(-0.7) / odds(-1.9)))))
    assert math.isfinite(odds_ratio_loss(torch.tensor(0.0), rejected).item())
    # Scores 1, 0.5, 0; the second is likelier than the first by 0.2, the third than both by 0.5 and 0.3.
    assert ranking_loss(torch.tensor([-1.0, -0.8, -0.5]), [1, 0.5, 0]).item() == pytest.approx((0.2 + 0.5 + 0.3) / 3)
    logps, weights = torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([1.0, 1.0, 0.5])
    assert weighted_loss(logps, weights).item() == pytest.approx((1 + 2 + 1.5) / 2.5)


def test_the_odds_ratio_is_that_of_trl():
    from trl.experimental.orpo import ORPOTrainer

    chosen, rejected = torch.tensor([-0.7, -0.1, -3.0]), torch.tensor([-1.9, -2.0, -0.2])
    stub = SimpleNamespace(beta=1.0, accelerator=SimpleNamespace(device="cpu"))
    theirs = ORPOTrainer.odds_ratio_loss(stub, chosen, rejected)[0]
    assert torch.allclose(odds_ratio_loss(chosen, rejected), -theirs, atol=1e-6)


@pytest.mark.parametrize("method", ["dpo", "orpo", "kto", "rrhf"])
def test_each_method_moves_what_it_is_for_and_resumes_to_the_same_bits(tiny, tmp_path, method):
    settings = {"epochs": 8, "learning_rate": 5e-3, "tokens_per_step": 400}
    write = lambda folder: write_method_job(folder, ANY, method, examples_of(method), OPTIONS[method], **settings)  # noqa: E731
    check(method, assert_resumes(tmp_path, tiny, write, 3)["metrics"])


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_real_weights_learn_it_too(base, model_path, tmp_path, method):
    settings = {"epochs": 6, "learning_rate": 1e-3, "tokens_per_step": 512}
    job = write_method_job(tmp_path, model_path, method, examples_of(method), OPTIONS[method], **settings)
    check(method, train_here(job, base)[0]["metrics"])


def check(method: str, metrics: dict[str, list[float]]) -> None:
    """Right answers became likelier than wrong ones, beyond what they were."""
    if method == "kto":
        assert metrics["right"][1] > max(metrics["wrong"][1], 0) + 0.5, metrics
    else:
        before, after = metrics["margin"]
        assert after > max(before, 0) + 0.1, metrics


def test_weights_move_what_is_learned(base, model_path, tmp_path):
    prompt = turn("Calculate 12 + 30.")
    for right, weights in (("42", (1, 0.05)), ("52", (0.05, 1))):
        rivals = [{"prompt": prompt, "completion": text, "weight": w} for text, w in zip(("42", "52"), weights)]
        job = write_job(tmp_path / right, model_path, rivals, epochs=8, learning_rate=2e-3, tokens_per_step=512)
        assert train_here(job, base)[0]
        answer = answer_prompts(str(model_path), str(tmp_path / right / "out/peft"), [prompt], 4, lambda: False)[0]
        assert answer["text"] == right


def test_bad_jobs_of_a_method_name_the_key(tiny, tmp_path):
    def error(method, examples, options):
        with pytest.raises(WorkerError) as raised:
            train_here(write_method_job(tmp_path / "bad", ANY, method, examples, options), tiny)
        assert raised.value.kind == "bad_job"
        return raised.value.message

    assert "job.method" in error("dqo", examples_of("dpo"), {})
    assert "job.options.beta" in error("dpo", examples_of("dpo"), {"beta": 0, "sft_weight": 1})
    assert "missing key job.options.sft_weight" in error("dpo", examples_of("dpo"), {"beta": 1})
    assert "line 1.label" in error("kto", [{**examples_of("kto")[0], "label": 1}], OPTIONS["kto"])
    assert "ranking" in error("rrhf", [{**examples_of("rrhf")[0], "rewards": [1]}], OPTIONS["rrhf"])
