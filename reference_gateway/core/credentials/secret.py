"""The type that keeps a credential out of every text."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NoReturn

_PAD: Final = hashlib.shake_256(b"what lies here is not to be read by chance")


class Secret:
    """A text that no `repr`, `str`, format, pickle, copy or debugger's view gives away; `reveal` does.

    It is kept masked, so that whoever opens the object, or walks all that it refers to, meets no text. That is no
    encryption: who can run code here can call `reveal`.
    """

    __slots__ = ("_masked",)

    def __init__(self, text: str) -> None:
        self._masked = _mask(text.encode("utf-8", "surrogatepass"))

    def reveal(self) -> str:
        """The text itself: only where it leaves for its provider."""
        return _mask(self._masked).decode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, how: str) -> str:
        return format(repr(self), how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._masked, other._masked)

    def __hash__(self) -> int:
        return hash(self._masked)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


def _mask(data: bytes) -> bytes:
    """Mask, or take the mask off again; half of a surrogate pair, which UTF-8 has not, is a secret, too."""
    pad = _PAD.digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")
