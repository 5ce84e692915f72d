"""Real failures get their kind."""

import pytest
import torch

from redistill_trainer.errors import classify
from redistill_trainer.files import recover_dir, write_atomic, write_dir_atomic, write_synced


def kind_of(action) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the kinds are what is tested
        action()
    return classify(caught.value).kind


def test_an_allocation_beyond_memory_is_out_of_memory():
    assert kind_of(lambda: torch.empty(1 << 50)) == "out_of_memory"
    assert kind_of(lambda: bytearray(1 << 60)) == "out_of_memory"


def test_a_full_disk_is_disk_full():
    assert kind_of(lambda: write_synced("/dev/full", b"x")) == "disk_full"


def test_the_rest_is_internal_with_a_traceback(capsys):
    assert kind_of(lambda: {}["missing"]) == "internal"
    assert "KeyError" in capsys.readouterr().err


def test_folders_and_files_are_whole_or_absent(tmp_path):
    folder = tmp_path / "checkpoint"
    write_dir_atomic(folder, {"a": b"1"})
    write_dir_atomic(folder, {"a": b"2"})
    assert (folder / "a").read_bytes() == b"2"
    folder.rename(tmp_path / ".checkpoint.old")  # what a crash between the two renames leaves
    (tmp_path / ".checkpoint.tmp").mkdir()
    recover_dir(folder)
    assert (folder / "a").read_bytes() == b"2"
    write_atomic(tmp_path / "file", b"3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "file"]
