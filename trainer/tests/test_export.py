"""The GGUF adapter holds the PEFT adapter, in the layout that llama.cpp reads."""

import gguf
import numpy
import torch

from redistill_trainer.adapter import adapter_files, attached, load_weights, state
from redistill_trainer.export import write_gguf
from redistill_trainer.weights import read_facts


def random_q_k(model) -> None:
    """Random A and B on q and k, zero elsewhere: training would hide rows in the wrong order, this does not."""
    generator = torch.Generator().manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            size = 0.1 if "q_proj" in name or "k_proj" in name else 0.0
            weight.data = size * torch.randn(weight.shape, generator=generator)


def interleave(rows: numpy.ndarray, head_size: int) -> numpy.ndarray:
    """Row for row: ggml rotates rows 2i and 2i+1 of a head together, transformers rows i and i + half."""
    order = []
    for start in range(0, len(rows), head_size):
        for i in range(head_size // 2):
            order += [start + i, start + i + head_size // 2]
    return rows[order]


def test_tensors_names_and_metadata(base, model_path, tmp_path):
    with attached(base, rank=4, alpha=8) as model:
        random_q_k(model)
        tensors = state(model)
        write_gguf(tmp_path / "a.gguf", tensors, 8, base)
        write_gguf(tmp_path / "b.gguf", tensors, 8, base)
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    keys = ("general.architecture", "general.type", "adapter.type", "adapter.lora.alpha")
    assert [reader.get_field(key).contents() for key in keys] == ["llama", "adapter", "lora", 8.0]
    found = {tensor.name: tensor.data for tensor in reader.tensors}
    base_names = {tensor.name for tensor in gguf.GGUFReader(model_path).tensors}
    assert len(found) == len(tensors) == 2 * 7 * base.layers
    assert {name.rsplit(".lora_", 1)[0] for name in found} <= base_names
    head_size = base.model.config.head_dim
    prefix = "base_model.model.model.layers.{}.self_attn.{}_proj.lora_{}.weight"
    for layer in range(base.layers):
        for part in "qkv":
            a = tensors[prefix.format(layer, part, "A")].numpy()
            b = tensors[prefix.format(layer, part, "B")].numpy()
            name = f"blk.{layer}.attn_{part}.weight.lora_"
            numpy.testing.assert_array_equal(found[name + "a"], a)
            numpy.testing.assert_array_equal(found[name + "b"], b if part == "v" else interleave(b, head_size))


def test_merging_in_ggml_layout_is_merging_in_transformers_layout(base, model_path, tmp_path):
    """W + B·A on the rows as the GGUF stores them, un-permuted by transformers' own loader, is PEFT's merged weight."""
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    with attached(base, rank=4, alpha=8) as model:
        random_q_k(model)
        write_gguf(tmp_path / "a.gguf", state(model), 8, base)
        layer = model.get_base_model().model.layers[5].self_attn
        merged = {part: getattr(layer, f"{part}_proj").get_delta_weight("default").clone() for part in "qk"}
    processor = LlamaTensorProcessor()
    found = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "a.gguf").tensors}
    for part, heads in (("q", base.heads), ("k", base.kv_heads)):
        delta = found[f"blk.5.attn_{part}.weight.lora_b"] @ found[f"blk.5.attn_{part}.weight.lora_a"] * (8 / 4)
        loaded = processor._reverse_permute_weights(delta, base.heads, heads)
        numpy.testing.assert_allclose(loaded, merged[part].detach().numpy(), rtol=1e-4, atol=1e-5)


def test_an_adapter_folder_reads_back_and_names_no_path(base, tmp_path):
    with attached(base, rank=4, alpha=8) as model:
        random_q_k(model)
        before = state(model)
        for name, data in adapter_files(model, base).items():
            (tmp_path / name).write_bytes(data)
    with attached(base, rank=4, alpha=8, seed=1) as model:
        load_weights(model, tmp_path)
        after = state(model)
    assert all(torch.equal(before[name], after[name]) for name in before)
    config = (tmp_path / "adapter_config.json").read_text()
    assert f'"base_model_name_or_path": "{base.file_name}"' in config


def test_detaching_leaves_the_bare_model(base):
    ids = torch.tensor([base.tokenize("The sky is")])
    with torch.no_grad():
        before = base.model(input_ids=ids).logits
        with attached(base, rank=4, alpha=8) as model:
            random_q_k(model)
            assert not torch.equal(model(input_ids=ids).logits, before)
        assert torch.equal(base.model(input_ids=ids).logits, before)


def test_facts_come_from_the_header(model_path):
    facts = read_facts(model_path)
    assert facts["architecture"] == "llama"
    assert facts["heads"] % facts["kv_heads"] == 0
