"""The port to where instances share what cursors lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SnapshotStore(Protocol):
    """Where all instances keep snapshots, and the key of cursors; every method raises `StoreAway` where it is away."""

    async def put(self, blobs: Mapping[str, bytes], keep_ms: int) -> None:
        """Keep each blob under its key for `keep_ms`."""

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what is kept under each key."""

    async def agree(self, key: bytes) -> bytes:
        """Return the key that cursors are sealed with: the one that is kept, or `key`, which is kept from now on."""
