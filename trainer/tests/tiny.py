"""A random model of a few thousand weights with a tokeniser of bytes: for what does not need real weights."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

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
