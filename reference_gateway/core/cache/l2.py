"""The tier nearest the reader: entries in this process, bounded, the longest unused let go first."""

from __future__ import annotations

from collections import OrderedDict

from reference_gateway.core.cache.entry import Held

ENTRIES_MAX = 10_000
BYTES_MAX = 64 * 1024 * 1024
"""As L1 stores them; as objects they take some five times as much."""


class L2InMemoryCache:
    """Entries by their keys, fresh or not, for as long as they may be shown."""

    def __init__(self, keep_ms: int, *, entries_max: int = ENTRIES_MAX, bytes_max: int = BYTES_MAX) -> None:
        """`keep_ms` is how long after it was taken an entry is of any use."""
        self._keep_ms = keep_ms
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of what is something known."""
        return tuple(self._held)

    def get(self, key: str, now_ms: int) -> Held | None:
        """Return what is known; what is too old to be shown is dropped."""
        held = self._held.get(key)
        if held is None:
            return None
        if now_ms >= held.entry.taken_ms + self._keep_ms:
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return held

    def put(self, key: str, held: Held) -> bool:
        """Keep it, unless it is older than what is held or too large to be kept at all."""
        known = self._held.get(key)
        if held.entry.size > self._bytes_max or (known is not None and held.entry.taken_ms < known.entry.taken_ms):
            return False
        if known is not None:
            self._drop(key)
        self._held[key] = held
        self.bytes += held.entry.size
        while len(self._held) > self._entries_max or self.bytes > self._bytes_max:
            self._drop(next(iter(self._held)))
        return True

    def mark(self, key: str, floor: int | None) -> bool:
        """Mark what was fetched under `floor` or an earlier epoch (None: whenever) as outdated; say whether it was."""
        held = self._held.get(key)
        if held is None or held.outdated or (floor is not None and held.entry.epoch > floor):
            return False
        self._held[key] = Held(held.entry, outdated=True)
        return True

    def _drop(self, key: str) -> None:
        self.bytes -= self._held.pop(key).entry.size
