"""Runs a peer on a random model instead of the job's: tiny_peer.py <peer> <input> <output>."""

import importlib
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "bench" / "peers"), str(root / "trainer"), str(root / "trainer" / "tests")]

import common  # noqa: E402
from tiny import tiny_base  # noqa: E402


def load(job):
    base = tiny_base()
    base.tokenizer.chat_template = (
        "{% for each in messages %}{{ each['role'][0] }}:{{ each['content'] }}{{ '<end>' }}{% endfor %}"
        "{% if add_generation_prompt %}a:{% endif %}"
    )
    return base


common.load = load
peer = sys.argv.pop(1)
importlib.import_module(peer).main()
