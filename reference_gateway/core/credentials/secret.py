"""The type that keeps a credential out of every text."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


class Secret:
    """A text that no `repr`, `str`, format, pickle, copy or debugger's view gives away; `reveal` does.

    It lies in a closure: a look at the object's attributes, which is what debuggers and crash reporters print, shows a
    function and no text.
    """

    __slots__ = ("_told",)

    def __init__(self, text: str) -> None:
        self._told: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """The text itself: only where it leaves for its provider."""
        return self._told()

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, how: str) -> str:
        return format(repr(self), how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self), _bytes(other))

    def __hash__(self) -> int:
        return hash(self._told())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


def _bytes(secret: Secret) -> bytes:
    """Also of a text that has half of a surrogate pair, which UTF-8 has not."""
    return secret.reveal().encode("utf-8", "surrogatepass")
