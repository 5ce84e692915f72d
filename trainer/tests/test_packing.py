"""Packed rows give the losses and gradients of one-by-one training."""

import torch
from torch.nn.functional import cross_entropy

from helpers import render, sums
from redistill_trainer.adapter import attached
from redistill_trainer.loss import label_logits, packed_loss
from redistill_trainer.packing import balance, build_row, plan, to_tensors, tokenize

EXAMPLES = [
    *sums(4),
    {"prompt": render("Calculate 7 + 3."), "completion": "10, I think."},  # shares its prompt with the first
    {"prompt": "<|im_start|>user\nName a colour.<|im_end|>\n<|im_start|>assistant\n", "completion": "Blue."},
]


def randomize(model) -> None:
    """Give B, which starts at zero, an effect."""
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data = 0.02 * torch.randn(weight.shape, generator=generator)


def plain_losses(model, sequence) -> torch.Tensor:
    """Per-label losses of one example alone, by the model's own forward over all logits."""
    ids = torch.tensor([sequence.ids])
    logits = model(input_ids=ids).logits[0, :-1]
    return cross_entropy(logits, ids[0, 1:], reduction="none")[sequence.prompt_length - 1 :]


def test_packed_loss_and_gradients_are_those_of_one_by_one(base):
    sequences = tokenize(EXAMPLES, base)
    with attached(base, rank=4, alpha=8) as model:
        randomize(model)
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        alone = torch.cat([plain_losses(model, sequence) for sequence in sequences]).mean()
        wanted = torch.autograd.grad(alone, weights)
        packed = packed_loss(model, to_tensors(build_row(sequences)))
        found = torch.autograd.grad(packed, weights)
    assert abs(packed.item() - alone.item()) < 1e-5
    for gradient, reference in zip(found, wanted, strict=True):
        assert (gradient - reference).norm() <= 1e-4 * reference.norm() + 1e-8


def test_label_only_logits_are_rows_of_the_full_logits(base):
    (sequence,) = tokenize(EXAMPLES[:1], base)
    with torch.no_grad():
        full = base.model(input_ids=torch.tensor([sequence.ids])).logits[0]
        found = label_logits(base.model, to_tensors(build_row([sequence])))
    assert len(found) == sequence.labels == len(sequence.ids) - sequence.prompt_length
    torch.testing.assert_close(found, full[sequence.prompt_length - 1 : -1], rtol=1e-4, atol=1e-3)


def test_special_tokens_are_parsed_and_the_turn_ends(base):
    (sequence,) = tokenize(EXAMPLES[:1], base)
    start, end = base.tokenize("<|im_start|>"), base.tokenize("<|im_end|>")
    assert [len(start), len(end)] == [1, 1]
    assert sequence.ids[0] == start[0]
    assert sequence.ids[-1] == end[0] == base.end_of_turn


def test_shared_tokens_are_computed_once(base):
    sequences = tokenize(EXAMPLES, base)
    row = build_row(sequences)
    assert len(row.ids) < 0.6 * sum(len(sequence.ids) for sequence in sequences)
    assert len(row.targets) == sum(sequence.labels for sequence in sequences)


def test_the_plan_is_balanced_and_the_same_for_a_seed(base):
    sequences = tokenize(sums(20), base)
    sizes = [len(sequence.ids) for sequence in sequences]
    steps = plan([len(s.ids) for s in sequences], 256, 3, seed=1)
    assert steps == plan([len(s.ids) for s in sequences], 256, 3, seed=1)
    assert steps != plan([len(s.ids) for s in sequences], 256, 3, seed=2)
    for epoch in range(3):
        packs = [pack for at, pack in steps if at == epoch]
        assert sorted(index for pack in packs for index in pack) == list(range(20))
        loads = [sum(sizes[index] for index in pack) for pack in packs]
        assert max(loads) <= 256
        assert max(loads) - min(loads) <= max(sizes)
    assert [pack for at, pack in steps if at == 0] != [pack for at, pack in steps if at == 1]


def test_an_example_above_the_limit_gets_a_step_of_its_own():
    assert sorted(map(sorted, balance([0, 1, 2], [10, 300, 10], limit=100))) == [[0, 2], [1]]
