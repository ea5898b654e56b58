"""The type that keeps a credential out of every text."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A text that no `repr`, `str`, format, pickle or copy gives away; `reveal` does, and is easy to search for."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: only where it leaves for its provider."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, how: str) -> str:
        return format(repr(self), how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")
