"""mlx-lm's adapters and batches are ours in another layout, and jobs for it are refused where it cannot work.

The training itself needs mlx-lm, which no continuous integration of ours has: docs/export.md says how to try it.
"""

import importlib.util

import numpy
import pytest
import torch

from helpers import edit_job, sums, turn, write_job
from redistill_trainer.adapter import TARGET_MODULES, attached, lora_config, peft_files, state
from redistill_trainer.errors import WorkerError
from redistill_trainer.job import Settings, read_job
from redistill_trainer.mlx_arrays import batch, learning_rate, to_mlx, to_peft
from redistill_trainer.mlx_train import require_mlx
from redistill_trainer.packing import Sequence, build_row
from redistill_trainer.train import train
from test_export import random_q_k


def test_an_adapter_goes_to_mlx_and_back(tiny):
    with attached(tiny, rank=4, alpha=8) as model:
        random_q_k(model)
        layer = model.get_base_model().model.layers[1].self_attn.k_proj
        inputs = torch.randn(3, 32)
        with torch.no_grad():
            expected = layer(inputs).numpy()
        weight = layer.base_layer.weight.numpy()
        peft = {name: tensor.numpy() for name, tensor in state(model).items()}
    found = to_mlx(peft)
    assert len(found) == 2 * 2 * len(TARGET_MODULES)
    a, b = (found[f"model.layers.1.self_attn.k_proj.lora_{part}"] for part in "ab")
    assert (a.shape, b.shape) == ((32, 4), (4, 16)), "[in, rank] and [rank, out]"
    x = inputs.numpy()
    # mlx_lm.tuner.lora.LoRALinear: y + scale * (x @ lora_a) @ lora_b
    numpy.testing.assert_allclose(x @ weight.T + 8 / 4 * (x @ a) @ b, expected, rtol=1e-4, atol=1e-5)
    again = to_peft(found)
    assert again.keys() == peft.keys()
    assert all(numpy.array_equal(again[name], peft[name]) for name in peft)


def test_the_files_are_those_of_an_attached_adapter(tiny):
    from redistill_trainer.adapter import adapter_files

    with attached(tiny, rank=4, alpha=8) as model:
        assert peft_files(state(model), lora_config(4, 8), tiny) == adapter_files(model, tiny)


def test_a_batch_wants_what_a_packed_row_wants(tiny):
    texts = [("one question", "yes"), ("another", "no, not at all")]
    sequences = []
    for prompt, completion in texts:
        ids = [*tiny.tokenize(prompt), *tiny.tokenize(completion), tiny.end_of_turn]
        sequences.append(Sequence(ids, len(tiny.tokenize(prompt))))
    ids, targets, counts = batch(sequences, [1.0, 2.5])
    row = build_row(sequences)
    assert sorted(targets[counts > 0].tolist()) == sorted(row.targets)
    assert counts.sum() == sequences[0].labels + 2.5 * sequences[1].labels
    assert ids[0, len(sequences[0].ids) - 1 :].tolist() == [0] * (ids.shape[1] - len(sequences[0].ids) + 1)
    assert targets[0, 10:15].tolist() == sequences[0].ids[11:16]


def test_the_learning_rate_is_that_of_the_torch_trainer():
    from transformers import get_cosine_schedule_with_warmup

    settings = Settings(rank=4, alpha=8, epochs=1, learning_rate=1e-3, tokens_per_step=64, warmup_ratio=0.15)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=3, num_training_steps=20)
    for step in range(20):
        assert learning_rate(step, 20, settings) == pytest.approx(schedule.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        schedule.step()


def test_a_job_for_mlx_is_another_job(tmp_path, model_path):
    path = write_job(tmp_path, model_path, sums(2))
    plain = read_job(str(path))
    job = read_job(str(edit_job(path, trainer="mlx")))
    assert (plain.trainer, job.trainer) == ("torch", "mlx")
    assert plain.hash != job.hash
    assert read_job(str(edit_job(path, trainer="torch"))).hash == plain.hash
    with pytest.raises(WorkerError, match="torch, mlx"):
        read_job(str(edit_job(path, trainer="jax")))


def test_without_mlx_a_job_is_refused_with_how_to_get_it(tmp_path, model_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = edit_job(write_job(tmp_path, model_path, sums(2)), trainer="mlx")
    with pytest.raises(WorkerError, match="not installed") as caught:
        train(str(path), None)
    assert "pip install" in caught.value.hint
    assert not (tmp_path / "out").exists(), "refused before anything is made"


def test_mlx_imitates_and_nothing_else(tmp_path, model_path):
    pairs = [{"prompt": turn("1 + 1"), "chosen": "2", "rejected": "3"}]
    options = {"beta": 0.1, "sft_weight": 1}
    path = edit_job(write_job(tmp_path, model_path, pairs), trainer="mlx", method="dpo", options=options)
    with pytest.raises(WorkerError, match="method is dpo") as caught:
        require_mlx(read_job(str(path)))
    assert "trainer: torch" in caught.value.hint
