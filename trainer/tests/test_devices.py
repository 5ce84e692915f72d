"""Where a job computes. There is no GPU here: what torch finds is put in its place, and nothing is computed on it."""

from pathlib import Path

import pytest
import torch

from helpers import edit_job, write_job
from redistill_trainer import devices
from redistill_trainer.devices import make_deterministic, pick_device, precision
from redistill_trainer.errors import WorkerError
from redistill_trainer.job import read_job

ANY = Path(__file__)


@pytest.fixture
def machine(monkeypatch):
    def make(cuda: bool = False, mps: bool = False, bf16: bool = True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


def test_the_best_device_that_torch_finds_is_taken(machine):
    for found, best in (({}, "cpu"), ({"mps": True}, "mps"), ({"cuda": True}, "cuda"), ({"cuda": True, "mps": True}, "cuda")):
        machine(**found)
        assert pick_device() == best
        assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(machine, wanted):
    machine()
    with pytest.raises(WorkerError, match=f"job.device is {wanted}") as raised:
        pick_device(wanted)
    assert raised.value.kind == "bad_job" and "auto" in raised.value.hint


def test_precision_is_what_a_device_does_well(machine):
    machine(cuda=True)
    assert precision("cuda") == {"use_cpu": False, "bf16": True, "fp16": False, "tf32": False}
    machine(cuda=True, bf16=False)
    assert precision("cuda")["bf16"] is False
    assert precision("mps") == {"use_cpu": False, "bf16": False, "fp16": False, "tf32": None}
    assert precision("cpu")["use_cpu"] is True


def test_only_cuda_has_to_be_told_to_be_deterministic(monkeypatch):
    told = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda mode, warn_only: told.append((mode, warn_only)))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    make_deterministic("cpu")
    make_deterministic("mps")
    assert told == [] and "CUBLAS_WORKSPACE_CONFIG" not in devices.os.environ
    make_deterministic("cuda")
    assert told == [(True, True)] and torch.backends.cudnn.benchmark is False
    assert devices.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_job_names_its_device_and_another_one_is_another_job(tmp_path):
    job = write_job(tmp_path, ANY, [{"prompt": "a", "completion": "b"}])
    plain = read_job(str(job))
    assert plain.device == "auto"
    assert read_job(str(edit_job(job, device="auto"))).hash == plain.hash
    forced = read_job(str(edit_job(job, device="cpu")))
    assert forced.device == "cpu" and forced.hash != plain.hash
    with pytest.raises(WorkerError, match="job.device must be one of auto, cpu, cuda, mps"):
        read_job(str(edit_job(job, device="tpu")))
