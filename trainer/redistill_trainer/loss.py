"""The loss of a packed row: next-token cross-entropy on completion tokens, each token of a step counting the same."""

from __future__ import annotations

from typing import Any


def label_hidden(model: Any, inputs: dict[str, Any]) -> Any:
    """Last hidden states [L, width] where the labelled tokens are predicted.

    Args:
        model: a causal language model, bare or with PEFT around it.
        inputs: see `packing.to_tensors`.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = causal.base_model(
        input_ids=inputs["input_ids"],
        position_ids=inputs["position_ids"],
        attention_mask=inputs["attention_mask"],
        use_cache=False,
    ).last_hidden_state[0]
    return hidden.index_select(0, inputs["label_rows"])


def label_logits(model: Any, inputs: dict[str, Any]) -> Any:
    """Logits [L, vocabulary] at the labelled tokens only: the output layer costs as much as a fifth of the backbone."""
    return model.get_output_embeddings()(label_hidden(model, inputs))


def packed_loss(model: Any, inputs: dict[str, Any]) -> Any:
    """Mean cross-entropy over the labels of a row, in nats per token (a scalar tensor)."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(label_logits(model, inputs), inputs["targets"])


def no_loss(model: Any) -> Any:
    """The loss of a step from which nothing can be learned: 0, with a gradient of 0."""
    return 0.0 * sum(weight.sum() for weight in model.parameters() if weight.requires_grad)


def label_logps(model: Any, inputs: dict[str, Any]) -> Any:
    """Log-probability [L] of each target, in nats."""
    logits = label_logits(model, inputs)
    return logits.gather(1, inputs["targets"][:, None])[:, 0] - logits.logsumexp(1)


def sequence_logps(model: Any, inputs: dict[str, Any]) -> Any:
    """Summed log-probability [S] of each sequence's labels; `inputs["lengths"]` says how many each has."""
    import torch

    return torch.stack([part.sum() for part in label_logps(model, inputs).split(inputs["lengths"])])
