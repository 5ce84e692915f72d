"""Fixtures: the real weights, loaded once, and a real worker process."""

import os
from pathlib import Path

import pytest

import redistill_trainer  # noqa: F401 - first, since it sets how torch will use threads
from helpers import Worker

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def model_path() -> Path:
    path = os.environ.get("REDISTILL_TEST_MODEL", "")
    if not path or not Path(path).is_file():
        pytest.fail(
            "These tests need the real default weights: run `redistill models pull` and set REDISTILL_TEST_MODEL "
            f"to the path of the GGUF file (now: {path!r})"
        )
    return Path(path)


@pytest.fixture(scope="session")
def base(model_path):
    from redistill_trainer.weights import load_base

    return load_base(model_path)


@pytest.fixture(scope="session")
def tiny():
    from tiny import tiny_base

    return tiny_base()


@pytest.fixture(scope="module")
def worker():
    """A worker that the tests of one module share, as the jobs of one run do."""
    client = Worker()
    yield client
    client.close()
