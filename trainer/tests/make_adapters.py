"""Adapters that no training made, for the comparison with llama.cpp: `python tests/make_adapters.py <model.gguf> <folder>`.

Writes `right/` (a random adapter on q and k alone, as PEFT folder and GGUF) and `wrong.gguf`: the same
without the permutation of q and k, which training would hide and this comparison must not.
"""

import sys
from pathlib import Path

from redistill_trainer import export
from redistill_trainer.adapter import adapter_files, attached, state
from redistill_trainer.weights import load_base

from test_export import random_q_k

model_path, folder = Path(sys.argv[1]), Path(sys.argv[2])
base = load_base(model_path)
(folder / "right" / "peft").mkdir(parents=True)
with attached(base, rank=4, alpha=8) as model:
    random_q_k(model)
    for name, data in adapter_files(model, base).items():
        (folder / "right" / "peft" / name).write_bytes(data)
    export.write_gguf(folder / "right" / "adapter.gguf", state(model), 8, base)
    export.permute = lambda rows, heads: rows
    export.write_gguf(folder / "wrong.gguf", state(model), 8, base)
