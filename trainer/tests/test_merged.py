"""Merged weights are those of base and adapter, in each form, and a failed export leaves nothing behind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

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

HALF = 2.0**-11  # the relative error of rounding to float16


@dataclass
class Case:
    """The real weights and a random adapter on q and k alone: training would hide rows in the wrong order."""

    model: Path
    sha256: str
    gguf: Path
    peft: Path
    ids: torch.Tensor
    logits: torch.Tensor
    deltas: dict[str, torch.Tensor]

    def export(self, type: str, output: Path, adapter: bool = True, context: Context | None = None) -> dict:
        path = str(self.peft if type == "safetensors" else self.gguf) if adapter else None
        nothing = Context(lambda: False, lambda event, **fields: None)
        return merged.export_merged(str(self.model), self.sha256, path, None, type, str(output), context or nothing)


@pytest.fixture(scope="module")
def case(base, model_path, tmp_path_factory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("adapter")
    ids = torch.tensor([base.tokenize("The sky is blue because light of short waves")])
    with attached(base, rank=4, alpha=8) as model, torch.no_grad():
        random_q_k(model)
        (folder / "peft").mkdir()
        for name, data in adapter_files(model, base).items():
            (folder / "peft" / name).write_bytes(data)
        write_gguf(folder / "adapter.gguf", state(model), 8, base)
        logits = model(input_ids=ids).logits
        layers = model.get_base_model().model.layers
        deltas = {
            f"blk.{number}.attn_{part}.weight": getattr(layer.self_attn, f"{part}_proj").get_delta_weight("default")
            for number, layer in enumerate(layers)
            for part in "qk"
        }
    with parsed_once():  # parsing takes longer than merging
        yield Case(model_path, base.sha256, folder / "adapter.gguf", folder / "peft", ids, logits, deltas)


def weights_of(path: Path) -> dict[str, numpy.ndarray]:
    return {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors}


def header_of(path: Path) -> dict[str, object]:
    return {field.name: (field.types, field.contents()) for field in gguf.GGUFReader(path).fields.values()}


@pytest.fixture(scope="module")
def whole(case) -> dict[str, numpy.ndarray]:
    """The base's weights, dequantised."""
    return weights_of(case.model)


def test_without_an_adapter_f16_is_the_base_within_rounding(case, whole, tmp_path):
    case.export("f16", tmp_path / "f16.gguf", adapter=False)
    found = weights_of(tmp_path / "f16.gguf")
    assert list(found) == list(whole), "the tensors in their order"
    for name, weights in whole.items():
        expected = weights if weights.ndim == 1 else weights.astype(numpy.float16).astype(numpy.float32)
        numpy.testing.assert_array_equal(found[name], expected, err_msg=name)
    before, after = header_of(case.model), header_of(tmp_path / "f16.gguf")
    own = {"general.file_type", "redistill.model_sha256", "GGUF.kv_count"}
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == own
    assert after["general.file_type"][1] == gguf.LlamaFileType.MOSTLY_F16


def test_q_and_k_change_by_what_the_adapter_adds(case, whole, tmp_path):
    """The change of each row, un-permuted by transformers' own loader, is PEFT's."""
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    manifest = case.export("f16", tmp_path / "f16.gguf")
    assert manifest["adapter_sha256"] == sha256(case.gguf)
    assert manifest["files"]["f16.gguf"]["sha256"] == sha256(tmp_path / "f16.gguf")
    found = weights_of(tmp_path / "f16.gguf")
    heads = {"q": 9, "k": 3}
    for name, weights in whole.items():
        change = found[name] - weights
        if name in case.deltas:
            change = LlamaTensorProcessor()._reverse_permute_weights(change, 9, heads[name[-8]])
            expected = case.deltas[name].numpy()
            assert numpy.abs(expected).max() > 0.1
            assert numpy.abs(change - expected).max() < 2 * HALF * numpy.abs(found[name]).max(), name
        else:
            assert numpy.abs(change).max() <= HALF * numpy.abs(weights).max(), name


def test_quantised_types_are_close_and_the_base_type_keeps_what_does_not_change(case, whole, tmp_path):
    for kind, file_type, steps in (("q8_0", 7, 127), ("base", 3, 15)):
        path = tmp_path / f"{kind}.gguf"
        case.export(kind, path)
        assert header_of(path)["general.file_type"][1] == file_type
        assert header_of(path)["redistill.adapter_sha256"][1] == sha256(case.gguf)
        types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}
        assert types["blk.0.attn_q.weight"] == {"q8_0": "Q8_0", "base": "Q4_1"}[kind]
        assert types["blk.0.attn_norm.weight"] == "F32"
        found = weights_of(path)
        for name in case.deltas:
            assert numpy.abs(found[name] - whole[name]).max() > 0.1, "the adapter is in it"
        untouched = [name for name in whole if name not in case.deltas]
        if kind == "base":
            assert all(numpy.array_equal(found[name], whole[name]) for name in untouched)
        else:
            assert all(numpy.abs(found[name] - whole[name]).max() <= numpy.abs(whole[name]).max() / steps for name in untouched)


def test_the_folder_has_the_logits_of_base_and_adapter(case, base, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    manifest = case.export("safetensors", tmp_path / "merged")
    folder = tmp_path / "merged"
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert {"model.safetensors", "config.json", "generation_config.json", "tokenizer.json"} <= set(manifest["files"])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float32
    with torch.no_grad():
        logits = model(input_ids=case.ids).logits
        bare = base.model(input_ids=case.ids).logits
    torch.testing.assert_close(logits, case.logits, rtol=1e-4, atol=2e-3)
    assert (bare - case.logits).abs().max() > 1, "the adapter matters, and the base in memory is as it was"
    messages = [{"role": "user", "content": "Calculate 1 + 2."}]
    assert tokenizer.apply_chat_template(messages) == base.tokenizer.apply_chat_template(messages)
    assert model.generation_config.eos_token_id == base.end_of_turn
    assert str(case.model.parent) not in "".join(path.read_text() for path in folder.glob("*.json"))


def test_shards_are_indexed_and_hold_the_same(tiny, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    monkeypatch.setattr(merged_folder, "SHARD_BYTES", 60_000)
    merged_folder.write_folder(tmp_path / "merged", tiny, None, Context(lambda: False, lambda event, **fields: None))
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
    merged_folder.write_folder(tmp_path / "merged", tiny, peft, Context(lambda: False, lambda event, **fields: None))
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
        file.truncate(1000)
    assert case.export("q8_0", path, adapter=False) == first
    assert sha256(path) == first["files"]["q8_0.gguf"]["sha256"], "the same weights give the same bytes"


@pytest.mark.parametrize("kind", ["f16", "safetensors"])
def test_a_cancelled_export_leaves_nothing(case, tmp_path, kind):
    steps: list[int] = []
    context = Context(lambda: len(steps) >= 3, lambda event, **fields: steps.append(fields["step"]))
    with pytest.raises(Cancelled):
        case.export(kind, tmp_path / "out", context=context)
    assert steps == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["q8_0", "safetensors"])
def test_a_disk_without_room_is_refused_before_anything_is_written(case, tmp_path, monkeypatch, kind):
    usage = merged.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(merged.shutil, "disk_usage", lambda path: usage._replace(free=100_000_000))
    with pytest.raises(WorkerError, match="0.10 GB are free") as caught:
        case.export(kind, tmp_path / "out")
    assert caught.value.kind == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_is_a_full_disk():
    with pytest.raises(OSError, match="requested") as caught:
        numpy.zeros(10_000_000).tofile("/dev/full")
    assert classify(caught.value).kind == "disk_full"


def test_what_does_not_fit_is_refused(case, tmp_path):
    def refusal(**changes):
        request = {"model": str(case.model), "model_sha256": case.sha256, "adapter": str(case.gguf), "type": "f16"}
        request = {**request, "adapter_sha256": None, "output": str(tmp_path / "x.gguf"), **changes}
        with pytest.raises(WorkerError) as caught:
            merged.export_merged(**request, context=Context(lambda: False, lambda event, **fields: None))
        assert list(tmp_path.glob("*x.gguf*")) == []
        return caught.value.kind, caught.value.message

    assert refusal(model_sha256="0" * 64)[0] == "bad_weights"
    assert "the adapter" in refusal(adapter_sha256="0" * 64)[1]
    assert "cannot be read" in refusal(adapter=str(tmp_path / "none.gguf"))[1]
    assert "not a whole GGUF LoRA adapter" in refusal(adapter=str(case.model))[1]
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(case.gguf.read_bytes()[:-1000])
    assert refusal(adapter=str(cut))[0] == "bad_weights"
    assert "another model" in refusal(adapter=rank_one(tmp_path / "other.gguf", rows=7))[1]
    assert "more than F16 can hold" in refusal(adapter=rank_one(tmp_path / "huge.gguf", rows=576, change=1e5))[1]
    assert refusal(adapter=rank_one(tmp_path / "nan.gguf", rows=576, change=float("nan")))[0] == "bad_weights"


def rank_one(path: Path, rows: int, change: float = 0.0) -> str:
    """Write a GGUF adapter of rank 1 that adds `change` to each weight of one matrix; its path."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 1.0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", numpy.ones((1, 576), numpy.float32))
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
