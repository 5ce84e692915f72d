"""Files that are whole or absent: written beside, fsynced, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def sha256_file(path: str | Path) -> str:
    """Hex sha256 of a file's bytes. Raises OSError if it cannot be read."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def fsync_dir(path: str | Path) -> None:
    """Make a folder's entries durable; a no-op where folders cannot be opened (Windows)."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_file(path: str | Path) -> None:
    """Make a file durable that somebody else has written."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def write_synced(path: str | Path, data: bytes) -> None:
    """Write and fsync a file in place. Raises OSError, with ENOSPC when the disk is full."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, data: bytes) -> None:
    """Write `path` so that it holds either its old bytes or all of `data`."""
    beside = path.with_name(f".{path.name}.tmp")
    write_synced(beside, data)
    os.replace(beside, path)
    fsync_dir(path.parent)


def write_dir_atomic(path: Path, files: dict[str, bytes | Callable[[Path], None]]) -> None:
    """Replace the folder `path` by one with `files`, their bytes or what writes them; see `swap_dir`."""
    beside = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name, data in files.items():
        if callable(data):  # too large to be in memory a second time
            data(beside / name)
            fsync_file(beside / name)
        else:
            write_synced(beside / name, data)
    fsync_dir(beside)
    swap_dir(beside, path)


def swap_dir(beside: Path, path: Path) -> None:
    """Put the folder `beside`, whose files are durable, in the place of `path`.

    A crash between the two renames leaves the old folder as `.<name>.old`; `recover_dir` puts it back.
    """
    old = path.with_name(f".{path.name}.old")
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
    os.rename(beside, path)
    fsync_dir(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_dir(path: Path) -> None:
    """Undo a `write_dir_atomic` that was cut between its renames, and drop its leftovers."""
    beside, old = path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.old")
    if old.exists() and not path.exists():
        os.rename(old, path)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
