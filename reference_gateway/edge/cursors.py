"""The keys that cursors are sealed with: one that all instances share, in Redis, and one of each instance alone."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from reference_gateway.core.cursor import KEY_BYTES, Cursor, CursorForged, CursorUnproven, Keys, seal, unseal
from reference_gateway.core.limiter import StoreAway
from reference_gateway.edge import clock

if TYPE_CHECKING:
    from reference_gateway.core.snapshot_store import SnapshotStore

SHARED_MAX: Final = 2
"""The newest, and the one before: where Redis lost its memory, cursors of both are on their way."""
LEARN_EVERY_NS: Final = 1_000_000_000
"""Whoever sends forged cursors shall not make us ask Redis for each."""


class Cursors:
    """Seals and reads cursors."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._keys = Keys((), secrets.token_bytes(KEY_BYTES))
        self._learned_ns: int | None = None

    async def seal(self, cursor: Cursor) -> str:
        """Write a cursor that every instance can read, if Redis can be asked for the key."""
        if not self._keys.shared:
            await self.learn()
        return seal(cursor, self._keys)

    async def unseal(self, text: str) -> Cursor:
        """Read a cursor, with the newest keys if need be; raises `CursorForged` or `CursorUnproven`."""
        try:
            return unseal(text, self._keys)
        except (CursorForged, CursorUnproven):
            if not await self.learn():
                raise
            return unseal(text, self._keys)

    async def learn(self) -> bool:
        """Ask Redis for the shared key, at most once a second; say whether it was new to us.

        Where Redis has lost it, the first who asks plants what he has.
        """
        now_ns = clock.monotonic_ns()
        if self._learned_ns is not None and now_ns - self._learned_ns < LEARN_EVERY_NS:
            return False
        self._learned_ns = now_ns
        shared = self._keys.shared
        try:
            key = await self._store.agree(shared[0] if shared else secrets.token_bytes(KEY_BYTES))
        except StoreAway:
            return False
        if key in shared[:1]:
            return False
        self._keys = Keys((key, *(each for each in shared if each != key))[:SHARED_MAX], self._keys.own)
        return True
