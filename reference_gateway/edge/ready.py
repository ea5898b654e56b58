"""Ready bytes: answers made once of what the cache holds, and sent for as long as that is the newest and fresh."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.answers import Entry
    from reference_gateway.edge.finding import Sighting

NS_PER_S = 1_000_000_000


class Fresh(NamedTuple):
    """An entry that may be served now, and how much longer it may."""

    entry: Entry
    expires_ns: int
    sighting: Sighting
    providers: Sequence[str]
    """All whose lists are in it: it is for those who read each of them with the house's credential."""
    ttl_s: int
    """Whole seconds left, rounded down: a client is never told that something is fresh for longer than it is."""


class ReadyAnswers:
    """Rendered answers by their query, each until its own moment; the longest unused goes first."""

    def __init__(self, entries_max: int = 1000, bytes_max: int = 64 * 1024 * 1024) -> None:
        self._entries: OrderedDict[bytes, tuple[Entry, int, Sighting, Sequence[str]]] = OrderedDict()
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0

    def get(self, key: bytes, now_ns: int) -> Fresh | None:
        """Return what is fresh at `now_ns`; what expired, or is of entries that are not the newest, is dropped."""
        kept = self._entries.get(key)
        if kept is None:
            return None
        left_ns = kept[1] - now_ns
        if left_ns <= 0 or not kept[2].current:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return Fresh(*kept, left_ns // NS_PER_S)

    def put(self, key: bytes, entry: Entry, expires_ns: int, sighting: Sighting, providers: Sequence[str]) -> bool:
        """Keep `entry` until `expires_ns`; False where it is too large to be kept."""
        size = _size(key, entry)
        if size > self._bytes_max:
            return False
        if key in self._entries:
            self._drop(key)
        self._entries[key] = (entry, expires_ns, sighting, providers)
        self._bytes += size
        while len(self._entries) > self._entries_max or self._bytes > self._bytes_max:
            self._drop(next(iter(self._entries)))
        return True

    def _drop(self, key: bytes) -> None:
        self._bytes -= _size(key, self._entries.pop(key)[0])


def _size(key: bytes, entry: Entry) -> int:
    """Two spellings of one query share the bytes; counted twice, the bound errs on the safe side."""
    return len(key) + len(entry.body)
