"""The tier nearest the reader: entries in this process, bounded, the longest unused let go first.

Users' own keys lie apart from the house's: however many there are, they push no list out that everybody reads, and one
user's push out his own before another's.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain
from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import Held, is_houses, split_key

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRIES_MAX = 10_000
BYTES_MAX = 64 * 1024 * 1024
"""As L1 stores them; as objects they take some five times as much."""
OWN_ENTRIES_MAX = 10_000
OWN_BYTES_MAX = 32 * 1024 * 1024
"""Of all users' own keys together."""
USER_ENTRIES_MAX = 1000
"""As many as a providers file may declare."""
USER_BYTES_MAX = 8 * 1024 * 1024
"""Of one user: a quarter of what there is for all."""


class Shelf:
    """Some entries by their keys, within bounds."""

    def __init__(self, entries_max: int, bytes_max: int) -> None:
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def use(self, key: str) -> Held | None:
        """Return what is held; it is the latest used now."""
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
        return held

    def put(self, key: str, held: Held) -> bool:
        """Keep it, unless it is older than what is held or too large to be kept at all."""
        known = self._held.get(key)
        if held.entry.size > self._bytes_max or (known is not None and held.entry.taken_ms < known.entry.taken_ms):
            return False
        if known is not None:
            self.drop(key)
        self._held[key] = held
        self.bytes += held.entry.size
        while len(self._held) > self._entries_max or self.bytes > self._bytes_max:
            self.drop(next(iter(self._held)))
        return True

    def mark(self, key: str, floor: int | None) -> bool:
        """As `L2InMemoryCache.mark`."""
        held = self._held.get(key)
        if held is None or held.outdated or (floor is not None and held.entry.epoch > floor):
            return False
        self._held[key] = Held(held.entry, outdated=True)
        return True

    def drop(self, key: str) -> None:
        """Let it go."""
        self.bytes -= self._held.pop(key).entry.size


class OwnShelves:
    """A shelf for each user with keys of his own; he who read none of his for longest loses all of his first."""

    def __init__(self, entries_max: int = OWN_ENTRIES_MAX, bytes_max: int = OWN_BYTES_MAX) -> None:
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._entries = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._shelves.values())

    def of(self, owner: str) -> Shelf | None:
        """Return somebody's, if he has any; it is the latest used now."""
        shelf = self._shelves.get(owner)
        if shelf is not None:
            self._shelves.move_to_end(owner)
        return shelf

    def put(self, owner: str, key: str, held: Held) -> bool:
        """Keep it on its owner's shelf, and make room for it."""
        shelf = self._take_out(owner)
        kept = shelf.put(key, held)
        self._put_back(owner, shelf)
        while self.bytes > self._bytes_max or self._entries > self._entries_max:
            self._take_out(next(iter(self._shelves)))
        return kept

    def drop(self, owner: str, key: str) -> None:
        """Let one key go."""
        shelf = self._take_out(owner)
        shelf.drop(key)
        self._put_back(owner, shelf)

    def _take_out(self, owner: str) -> Shelf:
        shelf = self._shelves.pop(owner, None)
        if shelf is None:
            return Shelf(min(USER_ENTRIES_MAX, self._entries_max), min(USER_BYTES_MAX, self._bytes_max))
        self._entries -= len(shelf)
        self.bytes -= shelf.bytes
        return shelf

    def _put_back(self, owner: str, shelf: Shelf) -> None:
        """Who has nothing any more needs no shelf."""
        if len(shelf):
            self._shelves[owner] = shelf
            self._entries += len(shelf)
            self.bytes += shelf.bytes


class L2InMemoryCache:
    """Entries by their keys, fresh or not, for as long as they may be shown."""

    def __init__(
        self,
        keep_ms: int,
        *,
        entries_max: int = ENTRIES_MAX,
        bytes_max: int = BYTES_MAX,
        own: OwnShelves | None = None,
    ) -> None:
        """`keep_ms` is how long after it was taken an entry is of any use; the bounds are of the house's keys."""
        self._keep_ms = keep_ms
        self._house = Shelf(entries_max, bytes_max)
        self._own = OwnShelves() if own is None else own

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of what is something known."""
        return (*self._house, *self._own)

    @property
    def bytes(self) -> int:
        """Of all that is held."""
        return self._house.bytes + self._own.bytes

    def get(self, key: str, now_ms: int) -> Held | None:
        """Return what is known; what is too old to be shown is dropped."""
        shelf = self._shelf(key)
        held = None if shelf is None else shelf.use(key)
        if held is not None and now_ms >= held.entry.taken_ms + self._keep_ms:
            self._drop(key)
            return None
        return held

    def put(self, key: str, held: Held) -> bool:
        """Keep it, unless it is older than what is held or too large to be kept at all."""
        return self._house.put(key, held) if is_houses(key) else self._own.put(split_key(key)[0], key, held)

    def mark(self, key: str, floor: int | None) -> bool:
        """Mark what was fetched under `floor` or an earlier epoch (None: whenever) as outdated; say whether it was."""
        shelf = self._shelf(key)
        return shelf is not None and shelf.mark(key, floor)

    def _drop(self, key: str) -> None:
        if is_houses(key):
            self._house.drop(key)
        else:
            self._own.drop(split_key(key)[0], key)

    def _shelf(self, key: str) -> Shelf | None:
        return self._house if is_houses(key) else self._own.of(split_key(key)[0])
