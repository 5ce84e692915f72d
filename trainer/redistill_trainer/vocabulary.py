"""Tokens that another model named, as the ids of the model that is trained; refused where the two do not fit."""

from __future__ import annotations

import re
from functools import cached_property

from redistill_trainer.errors import WorkerError
from redistill_trainer.weights import Base

Token = int | str
HINT = (
    "Learn from probabilities of a model with the same tokenizer (of the same family), or take method sft or gkd, "
    "which need texts only."
)


class Vocabulary:
    """Finds tokens by id, or by text where their author has no ids."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.size = len(base.tokenizer)
        self.endings = {base.end_of_turn, *base.tokenizer.all_special_ids}

    @cached_property
    def by_text(self) -> dict[str, int]:
        """Texts that only one token has."""
        found: dict[str, list[int]] = {}
        for token in range(self.size):
            found.setdefault(self.base.tokenizer.decode([token]), []).append(token)
        return {text: tokens[0] for text, tokens in found.items() if len(tokens) == 1}

    def id(self, token: Token) -> int | None:
        """The id of a token; None if there is no such token."""
        if isinstance(token, str):
            return self.by_text.get(token)
        return token if 0 <= token < self.size else None

    def answer(self, tokens: list[Token], text: str, number: int) -> list[int]:
        """The ids of a sampled answer. Raises WorkerError("bad_job") unless they say `text`, and, where they were named by
        text, are those that this tokenizer cuts it into."""
        ids = [self.id(token) for token in tokens]
        said = None if not ids or None in ids else self.base.tokenizer.decode(ids, skip_special_tokens=True)
        if said is None or bare(said) != bare(text):
            raise mismatch(number)
        if any(isinstance(token, str) for token in tokens):
            own = [token for token in ids if token not in self.endings]
            if self.base.tokenize(said) != own:
                raise mismatch(number)
        return ids

    def known(self, top: list[tuple[Token, float]]) -> list[tuple[int, float]]:
        """Those of a list that are tokens here; the others count as the rest."""
        return [(found, float(logprob)) for token, logprob in top if (found := self.id(token)) is not None]


def bare(text: str) -> str:
    """A text without what tokenizers and the loop's trimming treat in ways of their own: white space, broken characters."""
    return re.sub(r"[\s\ufffd\ufeff]+", "", text)


def mismatch(number: int) -> WorkerError:
    """What is said of answers in other tokens."""
    message = f"example {number}: the tokens of the answer are not those of the model that is trained"
    return WorkerError("bad_job", message, HINT)
