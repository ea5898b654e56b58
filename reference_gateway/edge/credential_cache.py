"""What was proven of a credential, for a while: bounded, and the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class CredentialCache(Generic[Value]):
    """Remembers a value per digest until its own expiry. Digests, because a memory dump should hold no credential."""

    def __init__(self, entries_max: int) -> None:
        self._entries: OrderedDict[bytes, tuple[Value, float]] = OrderedDict()
        self._entries_max = entries_max

    def get(self, digest: bytes, now_s: float) -> Value | None:
        """Return what is remembered and not yet expired at `now_s`."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if now_s >= entry[1]:
            del self._entries[digest]
            return None
        self._entries.move_to_end(digest)
        return entry[0]

    def drop(self, is_gone: Callable[[Value], bool]) -> None:
        """Forget every value of which this is true."""
        for digest in [digest for digest, (value, _) in self._entries.items() if is_gone(value)]:
            del self._entries[digest]

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def put(self, digest: bytes, value: Value, expires_s: float) -> None:
        """Remember `value` until `expires_s`, on the clock of `get`."""
        self._entries[digest] = (value, expires_s)
        self._entries.move_to_end(digest)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
