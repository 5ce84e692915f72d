"""Earlier weights beside the ones that are trained: an adapter's few megabytes, or, where all weights are trained, a second
model's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = "shadow.safetensors"


class Shadow:
    """A copy of the trainable weights as they are now. It stays, or follows as a moving average."""

    def __init__(self, model: Any) -> None:
        self.weights = {name: weight.detach().clone() for name, weight in trainable(model)}

    @contextmanager
    def worn(self, model: Any) -> Iterator[None]:
        """Let the model compute with these weights. Use it without gradient."""
        own = {name: weight.data for name, weight in trainable(model)}
        for name, weight in trainable(model):
            weight.data = self.weights[name]
        try:
            yield
        finally:
            for name, weight in trainable(model):
                weight.data = own[name]

    def put_back(self, model: Any) -> None:
        """Make the model's weights what they were when this copy was made."""
        for name, weight in trainable(model):
            weight.data.copy_(self.weights[name])

    def follow(self, model: Any, decay: float) -> None:
        """Become `decay` of itself and the rest of the model's weights."""
        for name, weight in trainable(model):
            self.weights[name].mul_(decay).add_(weight.detach(), alpha=1 - decay)

    def files(self) -> dict[str, Callable[[Path], None]]:
        """The weights as a file of a checkpoint, by its name: what writes it."""
        from safetensors.torch import save_file

        weights = {name: weight.cpu().contiguous() for name, weight in self.weights.items()}
        return {NAME: lambda path: save_file(weights, path)}

    def restore(self, folder: Path) -> None:
        """Read what `files` wrote."""
        from safetensors.torch import load_file

        for name, weight in load_file(folder / NAME).items():
            self.weights[name].copy_(weight)


def trainable(model: Any) -> list[tuple[str, Any]]:
    """Names and parameters that are trained."""
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
