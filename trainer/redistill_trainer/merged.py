"""`export`: the base model and what was trained as one model, which needs no adapter any more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from redistill_trainer.context import Context
from redistill_trainer.errors import WorkerError
from redistill_trainer.files import recover_dir, sha256_file, write_atomic

VERSION = 1  # raise it when the same export would give other bytes: earlier ones then no longer count
ROOM_TO_SPARE = 64_000_000  # bytes that an export leaves free on the disk


def export_merged(
    model: str, model_sha256: str, adapter: str | None, adapter_sha256: str | None, type: str, output: str, context: Context
) -> dict[str, Any]:
    """Write the merged model and return its manifest, which is written last; what is finished is not written again.

    Args:
        model: the base, a GGUF file with this sha256.
        adapter: a GGUF adapter for a GGUF file, a PEFT folder for safetensors, a whole GGUF model for both, or None for
            the base alone.
        adapter_sha256: of the adapter's weights file; not compared if None.
        type: f16, q8_0, base (each matrix quantised as the base's is) or safetensors (float32).
        output: the GGUF file; its manifest lies beside it as `<name>.json`. Or the folder, which holds its manifest.

    Raises:
        WorkerError: bad_weights (another hash, damaged, other model), bad_job (a type that cannot be written),
            disk_full (before anything is written, where the size is known).
        Cancelled: nothing is left behind.
    """
    path = Path(output)
    folder = type == "safetensors"
    weights = adapter_weights(adapter, folder)
    own = check_hash(weights, adapter_sha256, "the adapter")
    wanted = {"version": VERSION, "type": type, "model_sha256": model_sha256, "adapter_sha256": own}
    manifest_path = path / "manifest.json" if folder else path.with_name(f"{path.name}.json")
    if finished := read_manifest(manifest_path, wanted):
        return finished
    path.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        write_safetensors(path, Path(model), model_sha256, adapter, context)
        names = sorted(file.name for file in path.iterdir())
    else:
        check_hash(Path(model), model_sha256, "the model")
        write_gguf(path, Path(model), weights, wanted, context)
        names = [path.name]
    manifest = {**wanted, "files": {name: describe(manifest_path.parent / name) for name in names}}
    write_atomic(manifest_path, (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def write_gguf(path: Path, model: Path, adapter: Path | None, wanted: dict[str, Any], context: Context) -> None:
    """Write base and adapter as a GGUF file; its header says by hash what went into it."""
    import gguf

    from redistill_trainer.merged_gguf import plan, read_adapter, read_whole, write_merged
    from redistill_trainer.weights import parsed_once, read_facts

    with parsed_once():
        read_facts(model)  # refuses architectures for which none of this was tried
        base = gguf.GGUFReader(model)
    whole = read_whole(adapter, wanted["model_sha256"]) if adapter else None
    planned = plan(base, read_adapter(adapter, base) if adapter and whole is None else {}, wanted["type"], trained=whole)
    require_room(path.parent, base.data_offset + sum(each.bytes for each in planned))
    notes = {f"redistill.{key}": wanted[key] for key in ("model_sha256", "adapter_sha256") if wanted[key]}
    write_merged(path, base, planned, wanted["type"], notes, context)


def write_safetensors(path: Path, model: Path, model_sha256: str, adapter: str | None, context: Context) -> None:
    """Write base and adapter as a folder for transformers."""
    from redistill_trainer.full import require_of_base
    from redistill_trainer.merged_folder import bytes_of, write_folder
    from redistill_trainer.weights import load_base

    recover_dir(path)
    if adapter and Path(adapter).is_file():  # a whole model: nothing is merged
        require_of_base(Path(adapter), model_sha256)
        base, adapter = load_base(Path(adapter)), None
    else:
        base = load_base(model, model_sha256)
    require_room(path.parent, sum(map(bytes_of, base.model.parameters())))
    write_folder(path, base, Path(adapter) if adapter else None, context)


def adapter_weights(adapter: str | None, folder: bool) -> Path | None:
    """The file that holds an adapter's weights."""
    if adapter is None:
        return None
    path = Path(adapter)
    return path / "adapter_model.safetensors" if folder and not path.is_file() else path


def check_hash(path: Path | None, expected: str | None, what: str) -> str | None:
    """The file's sha256, None for no file. Raises WorkerError("bad_weights") if it is another or cannot be read."""
    if path is None:
        return None
    try:
        found = sha256_file(path)
    except OSError as error:
        raise WorkerError("bad_weights", f"{what} cannot be read: {error}") from error
    if expected not in (None, found):
        raise WorkerError("bad_weights", f"the sha256 of {what} {path.name} is {found}, not {expected}")
    return found


def require_room(folder: Path, bytes: int) -> None:
    """Raise WorkerError("disk_full") if a folder's disk has not that much room, and some to spare."""
    free = shutil.disk_usage(folder).free
    if free >= bytes + ROOM_TO_SPARE:
        return
    message = f"the merged model takes {bytes / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free in {folder}"
    raise WorkerError("disk_full", message, "Make room there, name a folder on another disk, or export a smaller type.")


def describe(path: Path) -> dict[str, Any]:
    """Hash and size of a file, as manifests have them."""
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size}


def read_manifest(path: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of this very export if the files that it names are there and whole, else None."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        same = all(manifest[key] == value for key, value in wanted.items())
        if same and all(describe(path.parent / name) == facts for name, facts in manifest["files"].items()):
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
