"""Whether an answer is right, as somebody who tunes a model would write it. These only reward and filter: what is
printed is judged by the product's own verifiers."""

from __future__ import annotations

import re

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def is_right(check: str, answer: str, reference: str) -> bool:
    """Compare an answer with its reference.

    Args:
        check: "fields" (a line of fields between bars), "exact" (the same text but for white space) or "numeric" (the
            last number is the reference's).

    Raises:
        ValueError: another check.
    """
    if check == "fields":
        return _fields(answer) == _fields(reference)
    if check == "exact":
        return answer.split() == reference.split()
    if check == "numeric":
        found, wanted = _last_number(answer), _last_number(reference)
        return found is not None and found == wanted
    raise ValueError(f"no check called {check}: fields, exact or numeric")


def _fields(line: str) -> list[str]:
    return [" ".join(field.split()) for field in line.split("|")]


def _last_number(text: str) -> float | None:
    numbers = NUMBER.findall(text)
    return float(numbers[-1].replace(",", "")) if numbers else None
