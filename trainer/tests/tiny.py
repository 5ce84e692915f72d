"""A random model of a few thousand weights with a tokeniser of bytes: for what does not need real weights."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch
from gguf.quants import quantize
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from redistill_trainer.export import permute
from redistill_trainer.weights import Base


def tiny_base() -> Base:
    """A Llama of two layers that no file holds. Every call gives the same weights."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<end>": 0, **{letter: index for index, letter in enumerate(alphabet, start=1)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=0.3,
    )
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    return Base(
        file_name="tiny.gguf",
        sha256="0" * 64,
        architecture="llama",
        layers=2,
        heads=4,
        kv_heads=2,
        context_length=256,
        end_of_turn=0,
        model=model,
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>"),
    )


def write_tiny_gguf(path: Path, base: Base, kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q4_1) -> None:
    """Write the tiny model as a GGUF file, its matrices quantised; its vocabulary is a token each."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, base.layers)
    writer = gguf.GGUFWriter(path, base.architecture)
    writer.add_string("general.name", "Tiny")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    for key, value in {"block_count": base.layers, "context_length": 256, "attention.head_count": base.heads}.items():
        writer.add_uint32(f"llama.{key}", value)
    writer.add_uint32("llama.attention.head_count_kv", base.kv_heads)
    writer.add_token_list(["<end>", "a", "ü"])
    writer.add_eos_token_id(0)
    writer.add_array("general.languages", ["en"])
    for name, weight in base.model.named_parameters():
        target = names.get_name(name.removesuffix(".weight"))
        if target.endswith(("attn_q", "attn_k")):
            weight = permute(weight, base.heads if target.endswith("attn_q") else base.kv_heads)
        data = weight.detach().numpy()
        if data.ndim == 1:
            writer.add_tensor(f"{target}.weight", data)
        else:
            writer.add_tensor(f"{target}.weight", quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
