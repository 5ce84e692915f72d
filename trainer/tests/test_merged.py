"""Merged weights are those of base and adapter, in each form, and a failed export leaves nothing behind."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy
import pytest
import torch
from gguf.quants import dequantize

from helpers import sha256, write_job
from redistill_trainer import merged, merged_folder
from redistill_trainer.adapter import adapter_files, attached, load_weights, state
from redistill_trainer.context import Context
from redistill_trainer.errors import Cancelled, WorkerError, classify
from redistill_trainer.export import write_gguf
from redistill_trainer.merged_gguf import Lora, plan
from redistill_trainer.weights import parsed_once
from test_export import random_q_k
from tiny import write_tiny_gguf

QUIET = Context(lambda: False, lambda event, **fields: None)


@dataclass
class Case:
    """A model's file and a random adapter on q and k alone: training would hide rows in the wrong order."""

    model: Path
    gguf: Path
    peft: Path
    logits: torch.Tensor
    deltas: dict[str, numpy.ndarray]

    def export(self, type: str, output: Path, adapter: bool = True, context: Context | None = None) -> dict:
        path = str(self.peft if type == "safetensors" else self.gguf) if adapter else None
        return merged.export_merged(str(self.model), sha256(self.model), path, None, type, str(output), context or QUIET)


def make_case(folder: Path, model_path: Path, base: Any, ids: torch.Tensor, alpha: float = 8) -> Case:
    with attached(base, rank=4, alpha=alpha) as model, torch.no_grad():
        random_q_k(model)
        (folder / "peft").mkdir(parents=True)
        for name, data in adapter_files(model, base).items():
            (folder / "peft" / name).write_bytes(data)
        write_gguf(folder / "adapter.gguf", state(model), alpha, base)
        deltas = {
            f"blk.{number}.attn_{part}.weight": getattr(layer.self_attn, f"{part}_proj").get_delta_weight("default").numpy()
            for number, layer in enumerate(model.get_base_model().model.layers)
            for part in "qk"
        }
        return Case(model_path, folder / "adapter.gguf", folder / "peft", model(input_ids=ids).logits, deltas)


@pytest.fixture(scope="module")
def case(tiny, tmp_path_factory) -> Case:
    """The tiny model, quantised as Q4_1, and an adapter that is large beside what quantising does."""
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_gguf(folder / "tiny.gguf", tiny)
    return make_case(folder, folder / "tiny.gguf", tiny, torch.tensor([[1, 2, 3]]), alpha=40)


def weights_of(path: Path) -> dict[str, numpy.ndarray]:
    return {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors}


def header_of(path: Path) -> dict[str, object]:
    return {field.name: (field.types, field.contents()) for field in gguf.GGUFReader(path).fields.values()}


def test_real_weights_without_an_adapter_are_the_base_within_rounding(model_path, tmp_path):
    with parsed_once():  # parsing takes longer than merging
        merged.export_merged(str(model_path), sha256(model_path), None, None, "f16", str(tmp_path / "f16.gguf"), QUIET)
        whole, found = weights_of(model_path), weights_of(tmp_path / "f16.gguf")
        before, after = header_of(model_path), header_of(tmp_path / "f16.gguf")
    assert list(found) == list(whole), "the tensors in their order"
    for name, weights in whole.items():
        expected = weights if weights.ndim == 1 else weights.astype(numpy.float16).astype(numpy.float32)
        numpy.testing.assert_array_equal(found[name], expected, err_msg=name)
    own = {"general.file_type", "redistill.model_sha256", "GGUF.kv_count"}
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == own
    assert after["general.file_type"][1] == gguf.LlamaFileType.MOSTLY_F16


def test_a_folder_of_real_weights_has_the_logits_of_base_and_adapter(base, model_path, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = torch.tensor([base.tokenize("The sky is blue because light of short waves")])
    case = make_case(tmp_path / "adapter", model_path, base, ids)
    manifest = case.export("safetensors", tmp_path / "merged")
    folder = tmp_path / "merged"
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert {"model.safetensors", "config.json", "generation_config.json", "tokenizer.json"} <= set(manifest["files"])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float32
    with torch.no_grad():
        logits = model(input_ids=ids).logits
        bare = base.model(input_ids=ids).logits
    torch.testing.assert_close(logits, case.logits, rtol=1e-4, atol=2e-3)
    assert (bare - case.logits).abs().max() > 1, "the adapter matters, and the base in memory is as it was"
    messages = [{"role": "user", "content": "Calculate 1 + 2."}]
    rendered = [each.apply_chat_template(messages, tokenize=False) for each in (tokenizer, base.tokenizer)]
    assert rendered[0] == rendered[1]
    assert tokenizer(rendered[0])["input_ids"] == base.tokenize(rendered[0])
    settings = json.loads((folder / "config.json").read_text())
    assert settings["rope_theta"] == settings["rope_parameters"]["rope_theta"] == 100_000, "older readers know the first"
    assert model.generation_config.eos_token_id == base.end_of_turn
    assert str(model_path.parent) not in "".join(path.read_text() for path in folder.glob("*.json"))


@pytest.mark.parametrize("kind", ["f16", "q8_0", "base"])
def test_q_and_k_change_by_what_the_adapter_adds(case, tiny, tmp_path, kind):
    """The change of each matrix, un-permuted by transformers' own loader, is PEFT's; the others do not change."""
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    path = tmp_path / "merged.gguf"
    manifest = case.export(kind, path)
    assert manifest["adapter_sha256"] == sha256(case.gguf)
    assert manifest["files"]["merged.gguf"] == {"sha256": sha256(path), "bytes": path.stat().st_size}
    whole, found, header = weights_of(case.model), weights_of(path), header_of(path)
    types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}
    matrix, file_type, error = {"f16": ("F16", 1, 2**-11), "q8_0": ("Q8_0", 7, 1 / 250), "base": ("Q4_1", 3, 1 / 14)}[kind]
    assert types["blk.0.attn_q.weight"] == types["token_embd.weight"] == matrix
    assert types["blk.0.attn_norm.weight"] == "F32"
    assert header["general.file_type"][1] == file_type
    assert header["redistill.adapter_sha256"][1] == sha256(case.gguf)
    assert header["tokenizer.ggml.tokens"] == header_of(case.model)["tokenizer.ggml.tokens"]
    for name, weights in whole.items():
        change, bound = found[name] - weights, error * numpy.abs(found[name]).max() * 1.01
        if name in case.deltas:
            heads = tiny.heads if name.endswith("attn_q.weight") else tiny.kv_heads
            change = LlamaTensorProcessor()._reverse_permute_weights(change, tiny.heads, heads)
            assert numpy.abs(case.deltas[name]).max() > 3 * bound, "the test can tell"
            assert numpy.abs(change - case.deltas[name]).max() < bound, name
        elif kind == "base":
            assert not change.any(), name
        else:
            assert numpy.abs(change).max() <= bound, name


def test_shards_are_indexed_and_hold_the_same(tiny, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    monkeypatch.setattr(merged_folder, "SHARD_BYTES", 60_000)
    merged_folder.write_folder(tmp_path / "merged", tiny, None, QUIET)
    index = json.loads((tmp_path / "merged" / "model.safetensors.index.json").read_text())
    files = sorted(set(index["weight_map"].values()))
    assert len(files) > 1
    found = {name: tensor for file in files for name, tensor in load_file(tmp_path / "merged" / file).items()}
    wanted = dict(tiny.model.named_parameters())
    assert found.keys() == wanted.keys() == index["weight_map"].keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_chain_is_merged_by_its_last_adapter_alone(tiny, tmp_path):
    """An adapter that went on from another one holds what that one had learnt: it is not added twice."""
    from helpers import train_here
    from transformers import AutoModelForCausalLM

    example = [{"prompt": "question", "completion": "answer"}]
    model = tmp_path / "tiny.gguf"
    model.write_bytes(b"")
    first = write_job(tmp_path / "first", model, example)
    train_here(first, tiny)
    second = write_job(tmp_path / "second", model, example, parent=tmp_path / "first/out/peft")
    train_here(second, tiny)
    peft, ids = tmp_path / "second/out/peft", torch.tensor([tiny.tokenize("question")])
    with attached(tiny, rank=4, alpha=8) as network, torch.no_grad():
        load_weights(network, peft)
        expected = network(input_ids=ids).logits
    merged_folder.write_folder(tmp_path / "merged", tiny, peft, QUIET)
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")(input_ids=ids).logits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_what_is_finished_is_not_written_again(case, tmp_path):
    path = tmp_path / "q8_0.gguf"
    first = case.export("q8_0", path, adapter=False)
    written = path.stat().st_mtime_ns
    assert case.export("q8_0", path, adapter=False) == first
    assert path.stat().st_mtime_ns == written
    with path.open("r+b") as file:
        file.truncate(100)
    assert case.export("q8_0", path, adapter=False) == first
    assert sha256(path) == first["files"]["q8_0.gguf"]["sha256"], "the same weights give the same bytes"


def test_a_cancelled_export_leaves_nothing(case, tiny, tmp_path):
    for write in (
        lambda context: case.export("f16", tmp_path / "out.gguf", context=context),
        lambda context: merged_folder.write_folder(tmp_path / "out", tiny, case.peft, context),
    ):
        steps: list[int] = []
        with pytest.raises(Cancelled):
            write(Context(lambda: len(steps) >= 3, lambda event, **fields: steps.append(fields["step"])))
        assert steps == [1, 2, 3]
        assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_refused_before_anything_is_written(case, tmp_path, monkeypatch):
    usage = merged.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(merged.shutil, "disk_usage", lambda path: usage._replace(free=merged.ROOM_TO_SPARE))
    with pytest.raises(WorkerError, match="0.06 GB are free") as caught:
        case.export("q8_0", tmp_path / "out.gguf")
    assert caught.value.kind == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_is_a_full_disk():
    with pytest.raises(OSError, match="requested") as caught:
        numpy.zeros(10_000_000).tofile("/dev/full")
    assert classify(caught.value).kind == "disk_full"


def test_what_does_not_fit_is_refused(case, tmp_path):
    def refusal(**changes):
        request = {"model": str(case.model), "model_sha256": sha256(case.model), "adapter": str(case.gguf), "type": "f16"}
        request = {**request, "adapter_sha256": None, "output": str(tmp_path / "x.gguf"), **changes}
        with pytest.raises(WorkerError) as caught:
            merged.export_merged(**request, context=QUIET)
        assert list(tmp_path.glob("*x.gguf*")) == []
        return caught.value.kind, caught.value.message

    assert refusal(model_sha256="0" * 64)[0] == "bad_weights"
    assert "the adapter" in refusal(adapter_sha256="0" * 64)[1]
    assert "cannot be read" in refusal(adapter=str(tmp_path / "none.gguf"))[1]
    assert "not a whole GGUF LoRA adapter" in refusal(adapter=str(case.model))[1]
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(case.gguf.read_bytes()[:-100])
    assert refusal(adapter=str(cut))[0] == "bad_weights"
    assert "another model" in refusal(adapter=rank_one(tmp_path / "other.gguf", rows=7))[1]
    assert "more than F16 can hold" in refusal(adapter=rank_one(tmp_path / "huge.gguf", rows=32, change=1e5))[1]
    assert refusal(adapter=rank_one(tmp_path / "nan.gguf", rows=32, change=float("nan")))[0] == "bad_weights"


def rank_one(path: Path, rows: int, change: float = 0.0) -> str:
    """Write a GGUF adapter of rank 1 that adds `change` to each weight of one matrix; its path."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 1.0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", numpy.ones((1, 32), numpy.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", numpy.full((rows, 1), change, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def test_a_base_type_that_cannot_be_written_says_what_to_do():
    tensor = SimpleNamespace(name="w", tensor_type=gguf.GGMLQuantizationType.Q4_K, shape=numpy.array([256, 8]))
    reader = SimpleNamespace(tensors=[tensor])
    lora = Lora(numpy.zeros((1, 256)), numpy.zeros((8, 1)), 1.0)
    with pytest.raises(WorkerError, match="Q4_K") as caught:
        plan(reader, {"w": lora}, "base")
    assert caught.value.kind == "bad_job"
    assert "llama-quantize" in caught.value.hint
    assert plan(reader, {}, "base")[0].kind.name == "Q4_K", "it is copied where nothing changes it"
    assert plan(reader, {"w": lora}, "f16")[0].kind.name == "F16"
