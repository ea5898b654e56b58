"""The snapshots that pages are made of: the latest in this process, those that cursors lead to in the shared store."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.adapters.redis.stored_snapshots import (
    Unreadable,
    list_key,
    manifest_key,
    pack_list,
    pack_manifest,
    unpack_list,
    unpack_manifest,
)
from reference_gateway.core.cache.entry import HOUSE, key_of
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.pages import Moment, ProviderList, Snapshot, snapshot_id, snapshot_of, version_of
from reference_gateway.edge import clock
from reference_gateway.edge.aside import Joined, aside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.core.offer import Offer
    from reference_gateway.core.snapshot_store import SnapshotStore

RECENT_MAX: Final = 64
RECENT_OFFERS_MAX: Final = 100_000
"""Offers of all snapshots in this process together. Most are the very objects that the lists hold; of an offer that is
in no list any more, about 1.5 kB stay."""
OWN_LISTS_MAX: Final = 64
"""Users' own lists whose versions are remembered: one that was let go is hashed again, some milliseconds."""
KEPT_MAX: Final = 10_000
"""Keys of the store that are remembered as written, so that each list is written once."""


class Recalled(NamedTuple):
    """A snapshot, and the tier that knew it."""

    snapshot: Snapshot
    tier: str


class Snapshots:
    """Takes snapshots, keeps those that have further pages, and recalls them by their ids."""

    def __init__(self, store: SnapshotStore, life_ms: int) -> None:
        self._store = store
        self._life_ms = life_ms
        self._lists: dict[str, ProviderList] = {}
        self._own_lists: OrderedDict[str, ProviderList] = OrderedDict()
        self._recent: OrderedDict[str, Snapshot] = OrderedDict()
        self.offers = 0
        """Of all snapshots here together."""
        self._kept: OrderedDict[str, int] = OrderedDict()
        self._taking: Joined[Snapshot] = Joined()
        self._keeping: Joined[bool] = Joined()
        self._recalling: Joined[Snapshot | None] = Joined()

    @property
    def remembered(self) -> int:
        """How many keys of the store are known to be written."""
        return len(self._kept)

    def list_of(self, provider: str, as_of_ms: int, offers: tuple[Offer, ...], owner: str = HOUSE) -> ProviderList:
        """Name a provider's newest list, as the house or a user reads it; the version is made once for each."""
        key = key_of(provider, owner)
        known = self._lists.get(provider) if owner == HOUSE else self._own_lists.get(key)
        if known is None or known.offers is not offers or known.as_of_ms != as_of_ms:
            known = ProviderList(provider, version_of(as_of_ms, offers, owner), as_of_ms, offers)
        if owner == HOUSE:
            self._lists[provider] = known
        else:
            self._keep_own(key, known)
        return known

    def _keep_own(self, key: str, known: ProviderList) -> None:
        self._own_lists[key] = known
        self._own_lists.move_to_end(key)
        while len(self._own_lists) > OWN_LISTS_MAX:
            self._own_lists.popitem(last=False)

    async def take(self, moment: Moment) -> Snapshot:
        """Merge and rate the offers of a moment, once for all who ask of it."""
        name = snapshot_id(moment)
        return self._found(name) or await self._taking.run(name, lambda: self._take(moment))

    async def keep(self, snapshot: Snapshot, until_ms: int) -> bool:
        """Let every instance find it until `until_ms` (wall clock); say whether they can.

        Those who ask at once share one write, and wait for it no longer than the store's budget.
        """
        return await self._keeping.run(snapshot.id, lambda: self._keep(snapshot, until_ms))

    async def recall(self, name: str) -> Recalled | None:
        """Find a snapshot by its id: here, or in the store; None where neither knows it."""
        if (known := self._found(name)) is not None:
            return Recalled(known, "l2")
        recalled = await self._recalling.run(name, lambda: self._recall(name))
        return None if recalled is None else Recalled(recalled, "l1")

    async def _recall(self, name: str) -> Snapshot | None:
        try:
            moment = await self._load(name)
        except (StoreAway, Unreadable):
            return None
        return await self.take(moment) if moment is not None and snapshot_id(moment) == name else None

    async def _take(self, moment: Moment) -> Snapshot:
        return self._remember(await aside(moment.size, lambda: snapshot_of(moment)))

    def _found(self, name: str) -> Snapshot | None:
        known = self._recent.get(name)
        if known is not None:
            self._recent.move_to_end(name)
        return known

    def _remember(self, snapshot: Snapshot) -> Snapshot:
        self._recent[snapshot.id] = snapshot
        self.offers += len(snapshot.offers)
        while len(self._recent) > 1 and (len(self._recent) > RECENT_MAX or self.offers > RECENT_OFFERS_MAX):
            _, oldest = self._recent.popitem(last=False)
            self.offers -= len(oldest.offers)
        return snapshot

    async def _keep(self, snapshot: Snapshot, until_ms: int) -> bool:
        """Lists are kept half a life longer than now asked for, so that the next snapshots find them there."""
        lists = {list_key(each.provider, each.version): each for each in snapshot.moment.lists}
        missing = {key: each for key, each in lists.items() if self._kept.get(key, 0) < until_ms}
        name = manifest_key(snapshot.id)
        if not missing and self._kept.get(name, 0) >= until_ms:
            return True
        try:
            if missing:
                await self._put(await asyncio.to_thread(_packed, missing), until_ms + self._life_ms // 2)
            await self._put({name: pack_manifest(snapshot.moment)}, until_ms)
        except StoreAway:
            self._kept.clear()  # it may come back empty
            return False
        return True

    async def _put(self, blobs: Mapping[str, bytes], until_ms: int) -> None:
        await self._store.put(blobs, until_ms - clock.epoch_ms())
        for key in blobs:
            self._kept[key] = until_ms
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    async def _load(self, name: str) -> Moment | None:
        """Put a moment together from what the store and this instance know; a list may be missing in it."""
        (manifest,) = await self._store.get([manifest_key(name)])
        if manifest is None:
            return None
        said = unpack_manifest(manifest)
        held = {provider: known for provider, version, _ in said.lists if (known := self._held(provider, version))}
        missing = [each for each in said.lists if each[0] not in held]
        blobs = await self._store.get([list_key(*each[:2]) for each in missing]) if missing else []
        lists = held | {each.provider: each for each in await asyncio.to_thread(_unpacked, missing, blobs)}
        return Moment(tuple(lists[name] for name, *_ in said.lists if name in lists), said.as_of_ms, said.warnings)

    def _held(self, provider: str, version: str) -> ProviderList | None:
        """Return the house's list that this instance shows now, if it is of that version."""
        known = self._lists.get(provider)
        return known if known is not None and known.version == version else None


def _packed(lists: Mapping[str, ProviderList]) -> dict[str, bytes]:
    return {key: pack_list(each) for key, each in lists.items()}


def _unpacked(names: Sequence[tuple[str, str, int]], blobs: Sequence[bytes | None]) -> list[ProviderList]:
    return [unpack_list(*name, blob) for name, blob in zip(names, blobs, strict=True) if blob is not None]
