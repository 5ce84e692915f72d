"""Checks a JSON object against the keys and types that a request must have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from redistill_trainer.errors import WorkerError

Check = tuple[str, Callable[[Any], bool]]


def is_number(value: Any) -> bool:
    """True for finite ints and floats; bool is not a number here."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: Any) -> bool:
    """True for ints; bool is not an integer here."""
    return isinstance(value, int) and not isinstance(value, bool)


TEXT: Check = ("a text that is not empty", lambda value: isinstance(value, str) and value != "")
TEXT_OR_NULL: Check = ("a text or null", lambda value: value is None or (isinstance(value, str) and value != ""))
INTEGER: Check = ("an integer", is_integer)
POSITIVE_INTEGER: Check = ("an integer above 0", lambda value: is_integer(value) and value > 0)
POSITIVE_NUMBER: Check = ("a finite number above 0", lambda value: is_number(value) and value > 0)
FRACTION: Check = ("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
WEIGHT: Check = ("a finite number of 0 or more", lambda value: is_number(value) and value >= 0)
BOOLEAN: Check = ("true or false", lambda value: isinstance(value, bool))
OBJECT: Check = ("an object", lambda value: isinstance(value, dict))
LIST: Check = ("a list", lambda value: isinstance(value, list))
TEXTS: Check = ("a list of texts", lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value))

NUMBERS: Check = ("a list of numbers", lambda value: isinstance(value, list) and all(is_number(v) for v in value))



def is_token(value: Any) -> bool:
    """True for a token's id or its text."""
    return is_integer(value) or isinstance(value, str)


def is_top(value: Any) -> bool:
    """True for a list of tokens with a number each."""
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and is_token(pair[0]) and is_number(pair[1]) for pair in value
    )


CRITIQUES: Check = (
    "a list of [answer, what was said of it]",
    lambda value: isinstance(value, list) and all(TEXTS[1](pair) and len(pair) == 2 for pair in value),
)
TOKENS: Check = ("a list of tokens", lambda value: isinstance(value, list) and all(is_token(v) for v in value))
TOPS: Check = ("lists of [token, log-probability]", lambda value: isinstance(value, list) and all(is_top(v) for v in value))


def one_of(*words: str) -> Check:
    """A check for one of a few words."""
    return (f"one of {', '.join(words)}", lambda value: value in words)


def require(value: Any, where: str, shape: dict[str, Check]) -> dict[str, Any]:
    """Return `value` if it is an object with exactly the keys of `shape`, each of its type.

    Raises WorkerError("bad_job") that names the first key at fault, as `where.key`.
    """
    if not isinstance(value, dict):
        raise WorkerError("bad_job", f"{where} must be an object")
    for key in value:
        if key not in shape:
            raise WorkerError("bad_job", f"unknown key {where}.{key}; known keys: {', '.join(shape)}")
    for key, (wanted, check) in shape.items():
        if key not in value:
            raise WorkerError("bad_job", f"missing key {where}.{key}: {wanted}")
        if not check(value[key]):
            raise WorkerError("bad_job", f"{where}.{key} must be {wanted}, not {value[key]!r:.80}")
    return value
