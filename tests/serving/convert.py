"""A GGUF file as a folder that `transformers serve` answers from: the weights that the trainer trains.

usage: convert.py <file.gguf> <folder>, with trainer/ on PYTHONPATH.
"""

import sys
from pathlib import Path

from redistill_trainer.weights import load_base
from transformers import GenerationConfig

base = load_base(Path(sys.argv[1]))
# The server takes temperature and top_p of a request, but samples at all only where this file says so.
base.model.generation_config = GenerationConfig(
    do_sample=True, temperature=1.0, top_k=0, eos_token_id=base.end_of_turn, pad_token_id=base.end_of_turn
)
base.model.save_pretrained(sys.argv[2])
base.tokenizer.save_pretrained(sys.argv[2])
