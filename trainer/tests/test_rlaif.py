"""Rewards from a model: it learns preferences, is refused where it does no better than chance, and earns its policy more;
a job that is killed in either phase ends with the same bits."""

import json
from pathlib import Path

import pytest

from helpers import assert_resumes, train_here, turn, write_method_job
from redistill_trainer.errors import WorkerError
from redistill_trainer.reward_model import held_out, require_better_than_chance

ANY = Path(__file__)
OPTIONS = {
    **{"completions": 8, "beta": 0, "scale": "group", "max_tokens": 6, "temperature": 1},
    **{"model_share": 1, "reward_epochs": 4},
}
SUMS = [(7 + 5 * i, 3 + 11 * i % 37) for i in range(16)]


def pairs(turned: bool = False) -> list[dict[str, str]]:
    """Bare numbers are preferred to sentences."""
    found = []
    for a, b in SUMS:
        both = [str(a + b), f"To add {a} and {b}, we count."]
        chosen, rejected = reversed(both) if turned else both
        found.append({"prompt": turn(f"Calculate {a} + {b}."), "chosen": chosen, "rejected": rejected})
    return found


PRACTICE = [{"prompt": turn(f"Calculate {a} + {b}."), "task": f"{a}+{b}"} for a, b in ((12, 30), (21, 7))]


def test_a_coin_is_no_reward_model():
    require_better_than_chance(4, 4)
    require_better_than_chance(14, 20)
    for right, total in ((3, 3), (3, 4), (12, 20), (0, 9)):
        with pytest.raises(WorkerError, match=f"{right} of {total} held-out pairs") as raised:
            require_better_than_chance(right, total)
        assert raised.value.kind == "weak_reward"
    assert held_out(["a", "a", "b", "c", "d"], 0.25) == {"a"}
    assert len(held_out([str(n) for n in range(40)], 0.25)) == 10


def test_it_learns_what_is_preferred_and_the_policy_follows(base, model_path, tmp_path):
    settings = {"epochs": 10, "learning_rate": 1e-3, "tokens_per_step": 1024, "rank": 8, "alpha": 16}
    job = write_method_job(tmp_path, model_path, "rlaif", [*pairs(), *PRACTICE], OPTIONS, **settings)
    manifest, events = train_here(job, base)  # nobody is asked: the model alone rewards
    facts = manifest["reward_model"]
    assert (facts["pairs"], facts["held_out"]) == (12, 4) and facts["held_out_right"] == 4
    assert facts["final_loss"] < facts["first_loss"] == pytest.approx(0.6931, abs=1e-3), "it begins with no opinion"
    rewards = [event["metrics"]["reward"] for event in events if "reward" in event["metrics"]]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.2, rewards
    assert {file.name for file in (tmp_path / "out/reward").iterdir()} == {
        *("adapter_model.safetensors", "adapter_config.json", "head.safetensors", "manifest.json")
    }
    assert not (tmp_path / "out/reward-training").exists()


def test_what_has_no_pattern_is_refused(tiny, tmp_path):
    noise = [pair for half in zip(pairs()[::2], pairs(turned=True)[1::2]) for pair in half]
    for name, examples in (("noise", noise), ("few", noise[:1]), ("none", [])):
        job = write_method_job(tmp_path / name, ANY, "rlaif", [*examples, *PRACTICE], OPTIONS, tokens_per_step=4000)
        with pytest.raises(WorkerError) as raised:
            train_here(job, tiny)
        assert raised.value.kind == "weak_reward", raised.value
        assert not (tmp_path / name / "out/reward").exists()


def half_right(answers):
    return {"rewards": [float(len(answer["answer"]) % 2) for answer in answers]}


@pytest.mark.parametrize("phase", [1, 2])
def test_a_job_that_is_stopped_in_either_phase_ends_with_the_same_bits(tiny, tmp_path, phase):
    options = {**OPTIONS, "model_share": 0.5, "completions": 4, "max_tokens": 3}
    settings = {"epochs": 4, "learning_rate": 5e-3, "tokens_per_step": 800}
    write = lambda folder: write_method_job(folder, ANY, "rlaif", [*pairs(), *PRACTICE], options, **settings)  # noqa: E731
    _, events = train_here(write(tmp_path / "count"), tiny, ask=half_right)
    first = sum("accuracy" in event["metrics"] for event in events)
    stop_after, resumes_at = (2, 3) if phase == 1 else (first + 1, 2)
    manifest = assert_resumes(tmp_path, tiny, write, stop_after, resumes_at, ask=half_right)
    assert json.loads((tmp_path / "whole/out/reward/manifest.json").read_text())["held_out_right"] == 4
    for name in ("head.safetensors", "adapter_model.safetensors"):
        kept = [(tmp_path / each / "out/reward" / name).read_bytes() for each in ("stopped", "whole")]
        assert kept[0] == kept[1]
    assert manifest["reward_model"]["held_out"] == 4
