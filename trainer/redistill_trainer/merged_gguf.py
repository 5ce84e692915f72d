"""A base GGUF and what was trained as one GGUF file: W + alpha / rank * B @ A, tensor by tensor, or other weights for W.

Base and adapter are both in ggml's layout (names, permuted rows of q and k), so nothing is renamed or permuted here, and
no more is in memory than one tensor. Everything that is not a weight is carried over from the base.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy
from gguf.quants import dequantize, quant_shape_to_byte_shape, quantize

from redistill_trainer.context import Context
from redistill_trainer.errors import FITTING_BASE, WHOLE_ADAPTER, Cancelled, WorkerError
from redistill_trainer.files import fsync_dir, fsync_file

Type = gguf.GGMLQuantizationType
# What a type is called in a request: the type of its matrices, and what `general.file_type` says of the file.
TYPES = {
    "f16": (Type.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (Type.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "base": (None, None),
}
ROWS = 4096  # dequantised at a time: an embedding of 150,000 rows would take gigabytes in float32
F16_LIMIT = 65504.0
MODEL_NOTE = "redistill.model_sha256"  # header key: the base that this model was made from


@dataclass(frozen=True)
class Lora:
    """The change of one matrix: `scale * b @ a`, with a [rank, in] and b [out, rank]."""

    a: numpy.ndarray
    b: numpy.ndarray
    scale: float


def read_adapter(path: Path, base: gguf.GGUFReader) -> dict[str, Lora]:
    """The changes that a GGUF adapter makes, by the name of the base's tensor.

    Raises WorkerError("bad_weights") if the file is no LoRA adapter, or one of another model.
    """
    try:
        reader = gguf.GGUFReader(path)
        alpha = reader.get_field(gguf.Keys.Adapter.LORA_ALPHA).contents()
        found = {tensor.name: tensor.data for tensor in reader.tensors}
        pairs = {name.removesuffix(".lora_a"): a for name, a in found.items() if name.endswith(".lora_a")}
        loras = {name: Lora(a, found[f"{name}.lora_b"], alpha / len(a)) for name, a in pairs.items()}
    except (OSError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise WorkerError("bad_weights", f"{path.name} is not a whole GGUF LoRA adapter: {error}", WHOLE_ADAPTER) from error
    shapes = {tensor.name: tuple(reversed(tensor.shape.tolist())) for tensor in base.tensors}
    for name, lora in loras.items():
        if shapes.get(name) != (len(lora.b), lora.a.shape[1]) or 2 * len(loras) != len(found):
            raise WorkerError("bad_weights", f"{path.name} is an adapter of another model: see its tensor {name}", FITTING_BASE)
    return loras


@dataclass(frozen=True)
class Planned:
    """A tensor of the merged file: where it comes from, what changes it or takes its place, and what it will be."""

    source: Any
    lora: Lora | None
    kind: Type
    shape: tuple[int, ...]
    trained: numpy.ndarray | None = None

    @property
    def bytes(self) -> int:
        """Of its data in the file, without padding."""
        return math.prod(quant_shape_to_byte_shape(self.shape, self.kind))


def plan(
    base: gguf.GGUFReader, loras: dict[str, Lora], name: str, trained: dict[str, numpy.ndarray] | None = None
) -> list[Planned]:
    """What becomes of each tensor of the base.

    Args:
        trained: weights in half or single precision that take the place of the base's, all matrices among them.

    Raises:
        WorkerError("bad_job"): the base's own type is asked for and cannot be written.
        WorkerError("bad_weights"): the trained weights are not those of the base's tensors.
    """
    wanted, _ = TYPES[name]
    if trained is not None:
        require_same_tensors(base, trained)
    planned = []
    for tensor in base.tensors:
        shape = tuple(reversed(tensor.shape.tolist()))
        kind = tensor.tensor_type
        if wanted is not None and len(shape) > 1:  # norms and biases stay as they are, as llama.cpp wants them
            fits = shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] == 0
            kind = wanted if fits else Type.F16
        planned.append(Planned(tensor, loras.get(tensor.name), kind, shape, (trained or {}).get(tensor.name)))
    changed = [each for each in planned if each.lora or each.trained is not None]
    impossible = sorted({each.kind.name for each in changed if not can_write(each.kind)})
    if impossible:
        message = f"the base is quantised as {', '.join(impossible)}, which can be read here but not written"
        hint = "Export f16, and quantise that file with llama.cpp: llama-quantize <file> <output> Q4_K_M (or another type)."
        raise WorkerError("bad_job", message, hint)
    return planned


def require_same_tensors(base: gguf.GGUFReader, trained: dict[str, numpy.ndarray]) -> None:
    """Raise WorkerError("bad_weights") unless each trained weight is a tensor of the base, and each matrix of it is trained."""
    shapes = {tensor.name: tuple(reversed(tensor.shape.tolist())) for tensor in base.tensors}
    for name, weight in trained.items():
        if shapes.get(name) != weight.shape:
            raise WorkerError("bad_weights", f"the trained weights are of another model: see their tensor {name}", FITTING_BASE)
    if missing := sorted(name for name, shape in shapes.items() if len(shape) > 1 and name not in trained):
        raise WorkerError("bad_weights", f"{missing[0]} of the base is not among the trained weights", FITTING_BASE)


def read_whole(path: Path, model_sha256: str) -> dict[str, numpy.ndarray] | None:
    """The weights of a whole model in half precision by tensor, read when they are needed; None for a file that does not
    say what it was trained from, such as an adapter.

    Raises WorkerError("bad_weights") for a file that is no GGUF file, or a model that was trained from another base.
    """
    try:
        reader = gguf.GGUFReader(path)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise WorkerError("bad_weights", f"{path.name} is not a whole GGUF LoRA adapter or model: {error}", WHOLE_ADAPTER) from error
    trained_from = reader.get_field(MODEL_NOTE)
    if trained_from is None:
        return None
    if trained_from.contents() != model_sha256:
        raise WorkerError("bad_weights", f"{path.name} was trained from another model than this one", FITTING_BASE)
    return {tensor.name: tensor.data for tensor in reader.tensors}


def can_write(kind: Type) -> bool:
    """Whether the package gguf can quantise to this type."""
    try:
        quantize(numpy.zeros((1, gguf.GGML_QUANT_SIZES[kind][0]), numpy.float32), kind)
    except NotImplementedError:
        return False
    return True


def write_merged(path: Path, base: gguf.GGUFReader, planned: list[Planned], name: str, notes: dict[str, str], context: Context) -> None:
    """Write the merged model beside `path`, fsync it and rename it; a progress event for each tensor.

    Args:
        notes: texts that the header gets besides what the base's has.

    Raises:
        Cancelled: between two portions of a tensor; nothing is left behind.
        WorkerError("bad_weights"): a merged weight is not finite, or too large for the type.
    """
    beside = path.with_name(f".{path.name}.tmp")
    writer = gguf.GGUFWriter(beside, base.get_field(gguf.Keys.General.ARCHITECTURE).contents())
    copy_header(writer, base, name, notes)
    for each in planned:
        writer.add_tensor_info(each.source.name, each.shape, numpy.dtype(numpy.float32), each.bytes, each.kind)
    try:
        try:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for step, each in enumerate(planned, start=1):
                writer.write_tensor_data(merged(each, context))
                context.emit("progress", step=step, steps=len(planned))
        finally:
            writer.close()
        fsync_file(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    fsync_dir(path.parent)


def copy_header(writer: gguf.GGUFWriter, base: gguf.GGUFReader, name: str, notes: dict[str, str]) -> None:
    """Everything that the base's header says, but for the type of the file."""
    _, file_type = TYPES[name]
    own = {gguf.Keys.General.ARCHITECTURE}  # the writer's constructor has added it
    if file_type is not None:
        own |= {gguf.Keys.General.FILE_TYPE, gguf.Keys.General.QUANTIZATION_VERSION}
        writer.add_file_type(file_type)
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.data_alignment = int(base.alignment)
    for field in base.fields.values():
        if field.name in own or field.name in notes or field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        items = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=items)
    for key, text in notes.items():
        writer.add_string(key, text)


def merged(each: Planned, context: Context) -> numpy.ndarray:
    """The data of one tensor of the merged file, a portion of rows at a time. What does not change is not recomputed."""
    source, lora, kind = each.source, each.lora, each.kind
    if lora is None and each.trained is None and source.tensor_type == kind:
        if context.cancelled():
            raise Cancelled
        return source.data
    out = None
    for start in range(0, each.shape[0], ROWS):
        if context.cancelled():
            raise Cancelled
        rows = slice(start, start + ROWS)
        if each.trained is None:
            weights = dequantize(source.data[rows], source.tensor_type)
        else:
            weights = each.trained[rows].astype(numpy.float32)
        if lora:
            weights = weights + numpy.float32(lora.scale) * (lora.b[rows] @ lora.a)
        largest = float(numpy.abs(weights).max())
        if not largest < (F16_LIMIT if kind == Type.F16 else numpy.inf):
            if not numpy.isfinite(largest):
                raise WorkerError("bad_weights", f"{source.name} is not finite after merging", WHOLE_ADAPTER)
            message = f"{source.name} has a weight of {largest}, more than {kind.name} can hold"
            raise WorkerError("bad_weights", message, "Export q8_0 or safetensors.")
        portion = quantize(weights, kind)
        if out is None:
            out = numpy.empty((each.shape[0], *portion.shape[1:]), portion.dtype)
        out[rows] = portion
    return out
