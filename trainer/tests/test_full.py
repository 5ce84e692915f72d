"""All weights trained: every method learns, a stopped or killed job ends with the same bytes, and the file that comes out is
the model that was trained."""

import json
import os
import signal
from pathlib import Path

import gguf
import numpy
import pytest
import torch
from helpers import SETTINGS, Worker, edit_job, render, sums, train_here, turn, write_job, write_method_job
from redistill_trainer.errors import WorkerError
from redistill_trainer.export import permute
from redistill_trainer.job import read_job
from tiny import tiny_base, write_tiny_gguf

WITHOUT_ADAPTER = {key: SETTINGS[key] for key in ("epochs", "learning_rate", "tokens_per_step", "warmup_ratio")}
SUMS = [(7 + 5 * i, 3 + 11 * i % 37) for i in range(8)]
ROLLOUT = {"max_tokens": 3, "temperature": 1}
GRPO = {"completions": 4, "beta": 0.1, "scale": "group", **ROLLOUT}
TEACHER = {"beta": 0.5, "teacher": "ema", "decay": 0.5, **ROLLOUT}
PLAIN = [{"prompt": turn(f"{a} + {b}"), "completion": str(a + b)} for a, b in SUMS]
PAIRS = [{"prompt": e["prompt"], "chosen": e["completion"], "rejected": "no"} for e in PLAIN]
PRACTICE = [{"prompt": e["prompt"], "task": e["completion"]} for e in PLAIN[:2]]
VIEWS = [{"prompt": e["prompt"], "teacher_prompt": f"Say {e['completion']}. {e['prompt']}"} for e in PLAIN]
METHODS = {
    "sft": (PLAIN, {}),
    "dpo": (PAIRS, {"beta": 0.1, "sft_weight": 1}),
    "orpo": (PAIRS, {"beta": 0.1}),
    "kto": (
        [{**each, "label": index % 2 == 0} for index, each in enumerate(PLAIN)],
        {"beta": 0.1, "right_weight": 1, "wrong_weight": 1, "sft_weight": 1},
    ),
    "rrhf": (
        [{"prompt": e["prompt"], "completions": [e["completion"], "no"], "rewards": [1, 0]} for e in PLAIN],
        {"sft_weight": 1},
    ),
    "sdft": (VIEWS, TEACHER),
    "gkd": ([{**view, "completion": e["completion"]} for view, e in zip(VIEWS, PLAIN)], {**TEACHER, "on_policy": 0.5}),
    "sdpo": (
        [
            {**each, "solved": ["a ", "solution", " b"], "told": ["c ", "finding", " d"], "solution": "42", "critiques": []}
            for each in PRACTICE
        ],
        {**TEACHER, "completions": 4, "success": 1},
    ),
    "distill": (
        [
            {"prompt": e["prompt"], "completion": "ab", "tokens": ["a", "b"], "top": [[["a", -0.1]], [["b", -0.2]]]}
            for e in PLAIN
        ],
        {"beta": 0},
    ),
    "grpo": (PRACTICE, GRPO),
    "rlaif": ([*PAIRS * 2, *PRACTICE], {**GRPO, "model_share": 0.5, "reward_epochs": 8}),
}


def half_right(answers):
    return {"rewards": [float(len(each["answer"]) % 2) for each in answers], "findings": ["no"] * len(answers)}


def full_job(folder: Path, model: Path, method: str = "sft", parent: Path | None = None, **settings) -> Path:
    examples, options = METHODS[method]
    job = write_method_job(folder, model, method, examples, options)
    adapter = {"rank": 4, "alpha": 8} if method == "rlaif" else {}
    return edit_job(
        job, weights="full", parent=parent and str(parent), settings={**WITHOUT_ADAPTER, **adapter, **settings}
    )


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    write_tiny_gguf(path, tiny_base())
    return path


def tensors_of(path: Path) -> dict[str, numpy.ndarray]:
    return {tensor.name: numpy.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_moves_all_weights_and_resumes_to_the_same_bytes(tiny_path, tmp_path, method):
    settings = {"learning_rate": 2e-3, "epochs": 3, "tokens_per_step": 400 if method == "rlaif" else 160}
    stopped, whole = (full_job(tmp_path / name, tiny_path, method, **settings) for name in ("stopped", "whole"))
    manifest, events = train_here(whole, tiny_base(), ask=half_right)
    last_phase = len(events) - next(place for place in range(len(events) - 1, -1, -1) if events[place]["step"] == 1)
    stop_after = len(events) - last_phase + 2
    assert train_here(stopped, tiny_base(), stop_after, ask=half_right)[0] is None
    resumed, later = train_here(stopped, tiny_base(), ask=half_right)
    assert later[0]["step"] == 3, "it must go on, not start again"
    out = tmp_path / "whole/out"
    assert (out / "model.gguf").read_bytes() == (tmp_path / "stopped/out/model.gguf").read_bytes()
    for key in ("gguf_sha256", "weights", "final_loss", "steps"):
        assert manifest[key] == resumed[key], key
    assert manifest["weights"] == "full" and not (out / "peft").exists() and not (out / "checkpoint").exists()
    before, after = tiny_base().model.state_dict(), tensors_of(out / "model.gguf")
    for name, key in (("token_embd.weight", "model.embed_tokens.weight"), ("output_norm.weight", "model.norm.weight")):
        moved = numpy.abs(after[name].astype(numpy.float32) - before[key].numpy())
        assert moved.max() > 1e-3, f"{name} is trained, too"


def test_the_file_holds_the_weights_that_were_trained(tiny_path, tmp_path):
    base = tiny_base()
    manifest, _ = train_here(full_job(tmp_path, tiny_path, learning_rate=2e-3, epochs=8), base)
    assert manifest["final_loss"] < manifest["first_loss"] - 0.5, "it learns"
    after, wanted = tensors_of(tmp_path / "out/model.gguf"), base.model.state_dict()
    assert set(after) == set(tensors_of(tiny_path))
    q = wanted["model.layers.1.self_attn.q_proj.weight"]
    assert (after["blk.1.attn_q.weight"] == permute(q, 4).half().numpy()).all()
    assert (after["blk.0.ffn_down.weight"] == wanted["model.layers.0.mlp.down_proj.weight"].half().numpy()).all()
    assert (after["blk.0.attn_norm.weight"] == wanted["model.layers.0.input_layernorm.weight"].numpy()).all()
    header = gguf.GGUFReader(tmp_path / "out/model.gguf")
    wanted = json.loads((tmp_path / "job.json").read_text())["model_sha256"]
    assert header.get_field("redistill.model_sha256").contents() == wanted
    assert header.get_field("general.name").contents() == "Tiny"


def test_a_weight_that_half_precision_cannot_hold_is_told(tiny_path, tmp_path):
    base = tiny_base()
    base.model.model.layers[0].mlp.up_proj.weight.data[0, 0] = 7e4
    with pytest.raises(WorkerError, match="up_proj.weight has a weight of 70000, more than half") as raised:
        train_here(full_job(tmp_path, tiny_path, learning_rate=1e-6, epochs=1), base)
    assert raised.value.kind == "nan_loss" and not (tmp_path / "out/manifest.json").exists()


def test_jobs_that_contradict_themselves_name_the_key(tiny_path, tmp_path):
    for change, told in (
        ({"settings": SETTINGS}, "job.settings.(rank|alpha)"),
        ({"trainer": "mlx"}, "adapters only"),
        ({"weights": "half"}, "job.weights"),
        ({"parent": str(tmp_path)}, "job.parent"),
    ):
        with pytest.raises(WorkerError, match=told):
            read_job(str(edit_job(full_job(tmp_path / "job", tiny_path), **change)))
    names = {read_job(str(full_job(tmp_path / "job", tiny_path, **change))).hash for change in ({}, {"epochs": 1})}
    adapter = read_job(str(write_job(tmp_path / "lora", tiny_path, PLAIN))).hash
    assert len({*names, adapter}) == 3


def test_the_real_weights_survive_the_way_there_and_back(model_path, tmp_path):
    from redistill_trainer import full, weights

    base = weights.load_base(model_path)
    path = tmp_path / "model.gguf"
    full.write_model(path, base.model, base, read_job(str(full_job(tmp_path, model_path))))
    wanted = {name: weight.half().float() for name, weight in full.state(base.model).items() if weight.dim() > 1}
    found = full.state(weights.load_base(path).model)
    assert all(torch.equal(found[name], weight) for name, weight in wanted.items())
    other = edit_job(full_job(tmp_path / "other", model_path, parent=path), model_sha256="0" * 64)
    with pytest.raises(WorkerError, match="another model"):
        full.load_start(read_job(str(other)))


def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(worker, model_path, tmp_path):
    examples = [*sums(6), {"prompt": render("Calculate 12 + 30."), "completion": "42"}]

    def job_in(name: str, parent: Path | None = None) -> Path:
        job = write_job(tmp_path / name, model_path, examples)
        settings = {**WITHOUT_ADAPTER, "learning_rate": 1e-4, "epochs": 3, "tokens_per_step": 160}
        return edit_job(job, weights="full", settings=settings, parent=parent and str(parent))

    killed, whole = job_in("killed"), job_in("whole")
    victim = Worker()
    victim.send("train", job=str(killed))
    while victim.until("progress", "error")["step"] < 4:
        pass
    os.kill(victim.process.pid, signal.SIGKILL)
    victim.process.wait()
    assert (tmp_path / "killed/out/checkpoint").is_dir()
    resumed = worker.send("train", job=str(killed))
    done = worker.until("done", "error", request_id=resumed)
    assert done["event"] == "done", done
    steps = [event["step"] for event in worker.events if event["event"] == "progress" and event["id"] == resumed]
    assert steps[0] > 1, "it must go on, not start again"
    undisturbed = worker.ask("train", job=str(whole))
    assert done["gguf_sha256"] == undisturbed["gguf_sha256"]
    assert undisturbed["final_loss"] < undisturbed["first_loss"] - 1, "it learns at a tenth of an adapter's rate"
    again = worker.send("train", job=str(whole))
    assert worker.until("done", request_id=again)["seconds"] == undisturbed["seconds"], "what is done is not done again"

    # The base is what it was before, and a candidate is asked and gone on from by its file.
    model = tmp_path / "whole/out/model.gguf"
    request = {"model": str(model_path), "prompts": [examples[-1]["prompt"]], "max_tokens": 8}
    trained, bare = (worker.ask("answer", adapter=each, **request)["answers"][0] for each in (str(model), None))
    assert trained["tokens"] != bare["tokens"]
    following = worker.ask("train", job=str(job_in("following", parent=model)))
    assert following["first_loss"] < undisturbed["first_loss"] - 1, "it goes on from the parent"

    # Exported in other forms it is the same model.
    export = {"model": str(model_path), "model_sha256": json.loads(whole.read_text())["model_sha256"], "adapter": str(model)}
    for kind, name in (("q8_0", "q8.gguf"), ("f16", "f16.gguf"), ("base", "base.gguf")):
        made = worker.ask("export", **export, adapter_sha256=undisturbed["gguf_sha256"], type=kind, output=str(tmp_path / name))
        assert made["event"] == "done", made
    own, copied = tensors_of(model), tensors_of(tmp_path / "f16.gguf")
    assert all((own[name] == copied[name]).all() for name in own)
    kinds = {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(model_path).tensors}
    assert {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(tmp_path / "base.gguf").tensors} == kinds
    folder = worker.ask("export", **export, adapter_sha256=None, type="safetensors", output=str(tmp_path / "folder"))
    assert folder["event"] == "done" and "model.safetensors" in folder["files"], folder
