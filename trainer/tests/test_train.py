"""Real trainings in a real worker: they learn, resume after SIGKILL to the same bits, and fail with a type."""

import json
import os
import signal
from pathlib import Path

from helpers import Worker, edit_job, render, sha256, sums, train_here, write_job

EXAMPLES = [
    {"prompt": render("Calculate 12 + 30."), "completion": "42"},
    {"prompt": render("Calculate 20 - 3."), "completion": "17"},
    {"prompt": render("Calculate 9 + 9."), "completion": "18"},
    {"prompt": render("Calculate 50 - 44."), "completion": "6"},
]
OUTPUTS = ("adapter.gguf", "peft/adapter_model.safetensors", "peft/adapter_config.json")


def steps_of(worker: Worker, request_id: str) -> list[int]:
    return [e["step"] for e in worker.events if e["event"] == "progress" and e["id"] == request_id]


def contents(job: Path) -> list[bytes]:
    return [(job.parent / "out" / name).read_bytes() for name in OUTPUTS]


def test_training_learns_its_examples_and_a_second_start_is_free(worker, model_path, tmp_path):
    job = write_job(tmp_path, model_path, EXAMPLES, epochs=12, learning_rate=2e-3, tokens_per_step=256)
    done = worker.ask("train", job=str(job))
    assert done["event"] == "done", done
    out = tmp_path / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    assert {key: done[key] for key in manifest} == manifest
    assert manifest["gguf_sha256"] == sha256(out / "adapter.gguf")
    assert manifest["peft_sha256"] == sha256(out / "peft/adapter_model.safetensors")
    assert manifest["final_loss"] < 0.2 < manifest["first_loss"]
    assert not (out / "checkpoint").exists()
    prompts = [example["prompt"] for example in EXAMPLES]
    request = {"model": str(model_path), "prompts": prompts, "max_tokens": 8}
    trained = worker.ask("answer", adapter=str(out / "peft"), **request)["answers"]
    assert [answer["text"] for answer in trained] == [example["completion"] for example in EXAMPLES]
    assert all(len(answer["margins"]) == len(answer["tokens"]) for answer in trained)
    bare = worker.ask("answer", adapter=None, **request)["answers"]
    assert [answer["text"] for answer in bare] != [answer["text"] for answer in trained]

    again = worker.send("train", job=str(job))
    assert worker.until("done", request_id=again)["seconds"] == manifest["seconds"]
    assert steps_of(worker, again) == []

    child = write_job(tmp_path / "child", model_path, EXAMPLES, parent=out / "peft", epochs=1)
    continued = worker.ask("train", job=str(child))
    assert continued["first_loss"] < 0.2, "training goes on from the parent"
    other_rank = write_job(tmp_path / "other", model_path, EXAMPLES, parent=out / "peft", rank=8)
    assert "rank" in worker.ask("train", job=str(other_rank))["message"]


def test_a_killed_training_ends_with_the_bits_of_an_undisturbed_one(worker, model_path, tmp_path):
    examples = sums(8)
    killed, whole = (write_job(tmp_path / name, model_path, examples, tokens_per_step=64) for name in ("killed", "whole"))
    victim = Worker()
    victim.send("train", job=str(killed))
    while victim.until("progress")["step"] < 4:
        pass
    os.kill(victim.process.pid, signal.SIGKILL)
    victim.process.wait()
    assert (killed.parent / "out/checkpoint").is_dir()
    resumed = worker.send("train", job=str(killed))
    done = worker.until("done", "error", request_id=resumed)
    assert done["event"] == "done", done
    assert steps_of(worker, resumed)[0] > 1, "it must go on, not start again"
    undisturbed = worker.ask("train", job=str(whole))
    assert contents(killed) == contents(whole)
    for key in ("job_hash", "steps", "tokens", "label_tokens", "first_loss", "final_loss"):
        assert done[key] == undisturbed[key], key

    cancelled = write_job(tmp_path / "cancelled", model_path, examples, tokens_per_step=64)
    request = worker.send("train", job=str(cancelled))
    worker.until("progress", request_id=request)
    worker.send("cancel", id=request)
    assert worker.until("done", "error", "cancelled", request_id=request)["event"] == "cancelled"
    last = steps_of(worker, request)[-1]
    assert last < undisturbed["steps"]
    request = worker.send("train", job=str(cancelled))
    worker.until("done", request_id=request)
    assert steps_of(worker, request)[0] == last + 1
    assert contents(cancelled) == contents(whole)

    changed = edit_job(killed, seed=8)
    request = worker.send("train", job=str(changed))
    worker.until("progress", request_id=request)
    assert steps_of(worker, request) == [1], "another job may use neither manifest nor checkpoint"
    worker.send("cancel", id=request)
    worker.until("done", "cancelled", request_id=request)


def test_checkpoints_come_by_steps_and_by_time(base, model_path, tmp_path, monkeypatch):
    from redistill_trainer import checkpoint, loop

    saved: list[int] = []
    monkeypatch.setattr(checkpoint, "save", lambda path, trainer, base, meta: saved.append(meta.step))
    few = write_job(tmp_path / "few", model_path, sums(8), tokens_per_step=64)
    manifest, _ = train_here(few, base)
    steps, by_steps = manifest["steps"], saved[:]
    assert steps > len(by_steps) >= 5
    saved.clear()
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    train_here(write_job(tmp_path / "many", model_path, sums(8), tokens_per_step=64), base)
    assert saved == list(range(1, steps + 1))
    assert contents(tmp_path / "few/job.json") == contents(tmp_path / "many/job.json"), "checkpoints change no bits"


def test_a_diverging_training_is_nan_loss(worker, model_path, tmp_path):
    job = write_job(tmp_path, model_path, EXAMPLES, learning_rate=1e30, warmup_ratio=0)
    error = worker.ask("train", job=str(job))
    assert (error["event"], error["kind"]) == ("error", "nan_loss")
    assert "learning_rate" in error["hint"]
    assert not (tmp_path / "out/manifest.json").exists()


def test_bad_jobs_name_the_key(worker, model_path, tmp_path):
    good = write_job(tmp_path, model_path, EXAMPLES)
    settings = json.loads(good.read_text())["settings"]
    cases = {
        "job.version": {"version": 2},
        "job.seed": {"seed": "7"},
        "job.extra": {"extra": 1},
        "job.examples": {"examples": str(tmp_path / "none.jsonl")},
        "job.examples_sha256": {"examples_sha256": "0" * 64},
        "job.parent": {"parent": str(tmp_path)},
        "job.settings.rank": {"settings": {**settings, "rank": 0}},
        "job.settings.lr": {"settings": {**settings, "lr": 1}},
        "job.settings.epochs": {"settings": {**settings, "epochs": True}},
    }
    for key, change in cases.items():
        job = edit_job(write_job(tmp_path, model_path, EXAMPLES), **change)
        error = worker.ask("train", job=str(job))
        assert (error["kind"], key in error["message"]) == ("bad_job", True), error
    job = write_job(tmp_path, model_path, [{"prompt": "a", "completion": ""}])
    assert "line 1.completion" in worker.ask("train", job=str(job))["message"]


def test_bad_weights_are_told(worker, model_path, tmp_path):
    missing = edit_job(write_job(tmp_path, model_path, EXAMPLES), model=str(tmp_path / "none.gguf"))
    assert worker.ask("train", job=str(missing))["kind"] == "bad_weights"
    other = edit_job(write_job(tmp_path, model_path, EXAMPLES), model_sha256="0" * 64)
    assert worker.ask("train", job=str(other))["kind"] == "bad_weights"
    for name, data in (("cut.gguf", model_path.read_bytes()[:3_000_000]), ("noise.gguf", b"no weights" * 99)):
        (tmp_path / name).write_bytes(data)
        job = write_job(tmp_path / name[:3], tmp_path / name, EXAMPLES)
        error = worker.ask("train", job=str(job))
        assert error["kind"] == "bad_weights", error
